# Drivers for the loader to judge: one good one, and for each rule of the contract one
# that breaks just this rule. They lie in tests/drivers of the build directory.
set(driver_test_dir ${CMAKE_CURRENT_SOURCE_DIR}/unit/driver/drivers)
set(driver_test_output ${CMAKE_BINARY_DIR}/tests/drivers)
set(driver_test_modules)

# test_driver(NAME FILE DEFINITION...)
macro(test_driver name file)
  add_library(test-driver-${name} MODULE ${driver_test_dir}/${file})
  target_compile_definitions(test-driver-${name} PRIVATE ${ARGN})
  target_include_directories(test-driver-${name} PRIVATE
    ${CMAKE_SOURCE_DIR}/sdk/driver/include)
  target_link_libraries(test-driver-${name} PRIVATE ff_flags)
  set_target_properties(test-driver-${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${driver_test_output})
  list(APPEND driver_test_modules test-driver-${name})
endmacro()

test_driver(good driver.c)
test_driver(newer newer.c)
test_driver(no-entry no_entry.c)
test_driver(no-symbol no_symbol.c)

test_driver(entry-null driver.c SAYS_NOTHING=1)
test_driver(magic driver.c MAGIC=0x7f454c46)
test_driver(abi-major driver.c ABI_MAJOR=2)
test_driver(struct-small driver.c STRUCT_SIZE=72)
test_driver(struct-absurd driver.c STRUCT_SIZE=100000)
test_driver(kind driver.c KIND=9)
test_driver(threads driver.c THREADS=3)
test_driver(threads-queue driver.c THREADS=FF_PARALLEL)
test_driver(name-null driver.c NAME=NULL)
test_driver(name-spaces driver.c "NAME=\"my queue\"")
test_driver(version-null driver.c VERSION=NULL)
test_driver(version-empty driver.c "VERSION=\"\"")
test_driver(ops-null driver.c OPS=NULL)
test_driver(ops-small driver.c "OPS_SIZE=6*sizeof(void*)")
test_driver(ops-absurd driver.c OPS_SIZE=65536)
test_driver(ops-odd driver.c "OPS_SIZE=sizeof(ops)-3")
test_driver(slot driver.c PUBLISH=NULL)
test_driver(slot-of-cap driver.c CAPS=FF_QUEUE_BROADCAST)
test_driver(config-absurd driver.c "CONFIG_SIZE=64<<20")
test_driver(option-name driver.c "OPTION_NAME=\"max messages\"")
test_driver(option-empty driver.c "OPTION_NAME=\"\"")
test_driver(option-nameless driver.c "OPTION_NAME=NULL")
test_driver(option-type driver.c OPTION_TYPE=77)
test_driver(option-choices driver.c OPTION_TYPE=FF_OPT_CHOICE)
test_driver(option-offset driver.c OPTION_OFFSET=16)
test_driver(option-offset-huge driver.c OPTION_OFFSET=0xffffffff)
test_driver(option-odd driver.c OPTION_OFFSET=4)
test_driver(option-shared driver.c OPTION_OFFSET=8)
test_driver(option-twice driver.c "OPTION_NAME=\"first\"")
test_driver(option-range driver.c OPTION_MIN=5 OPTION_MAX=4)
test_driver(option-default driver.c OPTION_MIN=100 OPTION_MAX=200)
test_driver(option-endless driver.c ENDLESS)

add_library(ff_test_drivers INTERFACE)
target_compile_definitions(ff_test_drivers INTERFACE
  FF_TEST_DRIVERS="${driver_test_output}")
set(UNIT_LIBS ff_test_drivers Threads::Threads)

# Says what a driver says about itself; scripts use it.
add_executable(driver-show ${driver_test_dir}/show.c)
target_link_libraries(driver-show PRIVATE ff_flags ff_driver)
set_target_properties(driver-show PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# unit.driver is made by whoever includes this, after it.
add_custom_target(test-drivers DEPENDS ${driver_test_modules})
cmake_language(DEFER CALL add_dependencies unit.driver test-drivers)
