// The transcendental functions of the language in plain arithmetic: only + - * / on doubles, so every machine computes
// the same bits (with -ffp-contract=off). Pure functions.
#pragma once

namespace apportion {

/// Largest error against the exact value, in units of the last place of the result; tests measure it. All keep NaN.
/// exp: 0.6 (1 for subnormal results). exp(x) is infinite above 709.78 and 0 below -745.13.
double elementary_exp(double x);
/// log, log2, log10: 0.6; exact where the result is (log2(8) = 3). NaN for x <= 0.
double elementary_log(double x);
double elementary_log2(double x);
double elementary_log10(double x);
/// 0.6 (1 for subnormal results); exact where the result is (pow(3, 2) = 9). NaN for a negative x with a y that is no
/// integer, and for pow(0, y < 0). pow(x, 0) = 1 for every x that is not NaN.
double elementary_pow(double x, double y);
/// 1 / (1 + exp(-x)): 2.
double elementary_sigmoid(double x);

}  // namespace apportion
