# Runs at install time, after the pages are in place: links of the source tree would be
# dead there. Headers and templates are installed elsewhere, and the link leads there;
# what is not installed at all keeps its name and loses its link.
# Before: ff_doc_dir, ff_include_dir, ff_data_dir as given to install().
foreach(dir doc include data)
  if(NOT IS_ABSOLUTE "${ff_${dir}_dir}")
    set(ff_${dir}_dir "${CMAKE_INSTALL_PREFIX}/${ff_${dir}_dir}")
  endif()
endforeach()

file(GLOB_RECURSE pages "$ENV{DESTDIR}${ff_doc_dir}/*.md")
foreach(page IN LISTS pages)
  get_filename_component(folder "${page}" DIRECTORY)
  file(RELATIVE_PATH headers "${folder}" "$ENV{DESTDIR}${ff_include_dir}/flowforge")
  file(RELATIVE_PATH templates "${folder}"
    "$ENV{DESTDIR}${ff_data_dir}/flowforge/driver-templates")
  file(READ "${page}" text)
  set(before "${text}")
  string(REGEX REPLACE "\\]\\((\\.\\./)+sdk/driver/include/flowforge/" "](${headers}/"
    text "${text}")
  string(REGEX REPLACE "\\]\\((\\.\\./)+sdk/driver/templates" "](${templates}"
    text "${text}")
  string(REGEX REPLACE
    "\\[([^]]+)\\]\\((\\.\\./)+(bench|cmake|core|plugins|scripts|sdk|tests)(/[^)]*)?\\)"
    "\\1" text "${text}")
  if(NOT text STREQUAL before)
    file(WRITE "${page}" "${text}")
  endif()
endforeach()
