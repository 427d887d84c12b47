# Runs at install time: manual pages and the scripts of shells, as `flowforge man` and
# `flowforge completion` write them.
# Before: ff_program; ff_data_dir, ff_man_dir as given to install().
foreach(dir data man)
  if(NOT IS_ABSOLUTE "${ff_${dir}_dir}")
    set(ff_${dir}_dir "${CMAKE_INSTALL_PREFIX}/${ff_${dir}_dir}")
  endif()
  set(ff_${dir}_dir "$ENV{DESTDIR}${ff_${dir}_dir}")
endforeach()

file(MAKE_DIRECTORY "${ff_man_dir}/man1")
execute_process(COMMAND "${ff_program}" man "${ff_man_dir}/man1" RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "flowforge man: ${failed}")
endif()
foreach(place bash-completion/completions/flowforge:bash zsh/site-functions/_flowforge:zsh
    fish/vendor_completions.d/flowforge.fish:fish)
  string(REPLACE ":" ";" place ${place})
  list(GET place 0 path)
  list(GET place 1 shell)
  execute_process(COMMAND "${ff_program}" completion ${shell}
    OUTPUT_VARIABLE script RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "flowforge completion ${shell}: ${failed}")
  endif()
  file(WRITE "${ff_data_dir}/${path}" "${script}")
endforeach()
