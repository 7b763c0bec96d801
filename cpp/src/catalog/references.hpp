// What one part of a document says about another: names must exist, ids be unique, rows fit their types. Private to the
// area.
#pragma once

#include <vector>

#include "apportion/catalog/document.hpp"

namespace apportion {

/// Appends a problem for every reference that leads nowhere, to the document or to what is known.
void check_references(const Document& document, const KnownNames& known, std::vector<Problem>& problems);

}  // namespace apportion
