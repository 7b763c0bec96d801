# Boost headers (no libraries) as the target apportion_boost: the system's if new enough, else those of the
# Python package libboost_headers. The package is located, not imported: its import needs importlib_resources,
# which it does not ask for.
set(APPORTION_BOOST_MINIMUM 1.88)
set(BOOST_INCLUDEDIR "" CACHE PATH "A folder that holds boost/version.hpp (>= ${APPORTION_BOOST_MINIMUM}); searched first")

# `result` is true when `dir` holds a Boost that is new enough.
function(apportion_boost_fits result dir)
  set(${result} FALSE PARENT_SCOPE)
  if(dir AND EXISTS "${dir}/boost/version.hpp")
    file(STRINGS "${dir}/boost/version.hpp" line REGEX "^#define BOOST_LIB_VERSION ")
    string(REGEX REPLACE ".*\"([0-9]+)_([0-9]+).*" "\\1.\\2" version "${line}")
    if(version VERSION_GREATER_EQUAL APPORTION_BOOST_MINIMUM)
      set(${result} TRUE PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(apportion_find_boost result)
  find_package(Boost ${APPORTION_BOOST_MINIMUM} QUIET CONFIG)
  find_path(APPORTION_SYSTEM_BOOST boost/version.hpp)
  apportion_ask_python(packaged
    "import importlib.util as u; s = u.find_spec('libboost_headers'); print(s.submodule_search_locations[0] + '/include' if s else '')")
  foreach(dir IN ITEMS "${BOOST_INCLUDEDIR}" "${Boost_INCLUDE_DIRS}" "${APPORTION_SYSTEM_BOOST}" "${packaged}")
    apportion_boost_fits(fits "${dir}")
    if(fits)
      set(${result} "${dir}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "Boost >= ${APPORTION_BOOST_MINIMUM} headers are missing: pip install 'libboost-headers==1.88.*' (or -DBOOST_INCLUDEDIR=DIR)")
endfunction()

apportion_find_boost(APPORTION_BOOST_DIR)
message(STATUS "Boost headers: ${APPORTION_BOOST_DIR}")
add_library(apportion_boost INTERFACE)
target_include_directories(apportion_boost SYSTEM INTERFACE ${APPORTION_BOOST_DIR})
# Boost.System and its users stay header-only.
target_compile_definitions(apportion_boost INTERFACE BOOST_ALL_NO_LIB)
