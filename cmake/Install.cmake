# What no other file installs: documents, examples, the schema, and the driver headers
# as long as sdk/driver does not install them itself.
foreach(document README.md LICENSE CHANGELOG.md api deploy docs examples)
  if(IS_DIRECTORY ${CMAKE_SOURCE_DIR}/${document})
    install(DIRECTORY ${document} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT docs)
  elseif(EXISTS ${CMAKE_SOURCE_DIR}/${document})
    install(FILES ${document} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT docs)
  endif()
endforeach()
install(CODE "set(ff_doc_dir \"${CMAKE_INSTALL_DOCDIR}\")
set(ff_include_dir \"${CMAKE_INSTALL_INCLUDEDIR}\")
set(ff_data_dir \"${CMAKE_INSTALL_DATADIR}\")" COMPONENT docs)
install(SCRIPT cmake/InstallDocs.cmake COMPONENT docs)
if(EXISTS ${CMAKE_SOURCE_DIR}/schema)
  install(DIRECTORY schema DESTINATION ${CMAKE_INSTALL_DATADIR}/flowforge)
endif()
if(NOT EXISTS ${CMAKE_SOURCE_DIR}/sdk/driver/CMakeLists.txt
   AND EXISTS ${CMAKE_SOURCE_DIR}/sdk/driver/include/flowforge)
  install(DIRECTORY sdk/driver/include/flowforge
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endif()
# What the program itself writes from its table of commands. One for another machine
# cannot be asked.
if(NOT CMAKE_CROSSCOMPILING)
  install(CODE "set(ff_program \"${FF_BIN_OUTPUT_DIR}/flowforge\")
set(ff_data_dir \"${CMAKE_INSTALL_DATADIR}\")
set(ff_man_dir \"${CMAKE_INSTALL_MANDIR}\")" COMPONENT manual)
  install(SCRIPT cmake/InstallManual.cmake COMPONENT manual)
endif()
# The Python package as tasks on this host see it; pip users take it from its wheel.
if(EXISTS ${CMAKE_SOURCE_DIR}/sdk/python/flowforge)
  install(DIRECTORY sdk/python/flowforge
    DESTINATION ${CMAKE_INSTALL_DATADIR}/flowforge/python
    PATTERN __pycache__ EXCLUDE)
endif()
