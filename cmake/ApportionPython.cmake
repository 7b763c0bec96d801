# Asks a Python interpreter where a package lies, without importing it.

# The interpreter that builds: scikit-build-core's, one given by hand, the checkout's .venv, or the system's.
function(apportion_find_python result)
  foreach(candidate IN ITEMS "${Python_EXECUTABLE}" "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/.venv/bin/python")
    if(candidate AND EXISTS "${candidate}")
      set(${result} "${candidate}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  find_program(APPORTION_SYSTEM_PYTHON NAMES python3 python)
  set(${result} "${APPORTION_SYSTEM_PYTHON}" PARENT_SCOPE)
endfunction()

# Runs `code` with that interpreter; `result` is what it prints, or empty.
function(apportion_ask_python result code)
  apportion_find_python(python)
  set(answer "")
  if(python)
    execute_process(COMMAND "${python}" -c "${code}" OUTPUT_VARIABLE answer ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  set(${result} "${answer}" PARENT_SCOPE)
endfunction()
