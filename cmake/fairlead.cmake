# The project's three kinds of target. Every one gets the same warnings; nothing is set globally.

option(FAIRLEAD_WERROR "Warnings are errors" ON)

add_library(fairlead_options INTERFACE)
target_compile_features(fairlead_options INTERFACE cxx_std_20)
target_include_directories(fairlead_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_options(fairlead_options INTERFACE
  # -Wno-restrict: g++ 12 sees overlaps that are not there in std::string's operator+ when it optimises (GCC bug 105651).
  -Wall -Wextra -Wconversion -Wshadow -Wswitch -Wvla -Wno-mismatched-new-delete
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${FAIRLEAD_WERROR}>:-Werror>)

# fairlead_library(NAME LINKS target... [PRIVATE target...])
# One library a folder: the folder's own *.cpp become fairlead::NAME. LINKS are the arrows of docs/architecture.md.
function(fairlead_library name)
  cmake_parse_arguments(arg "" "" "LINKS;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(sources)
    add_library(fairlead_${name} STATIC ${sources})
    target_link_libraries(fairlead_${name} PUBLIC fairlead_options ${arg_LINKS} PRIVATE ${arg_PRIVATE})
  else()
    add_library(fairlead_${name} INTERFACE)
    target_link_libraries(fairlead_${name} INTERFACE fairlead_options ${arg_LINKS})
  endif()
  add_library(fairlead::${name} ALIAS fairlead_${name})
endfunction()

# fairlead_test(SUITE NAME LINKS target...)
# The *_test.cpp of this folder become build/<preset>/bin/tests/SUITE/NAME; `./run test SUITE` runs all of them.
function(fairlead_test suite name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${suite}_${name} ${sources})
  set_target_properties(test_${suite}_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests/${suite})
  target_link_libraries(test_${suite}_${name} PRIVATE fairlead_options ${arg_LINKS} GTest::gmock GTest::gtest_main)
endfunction()
