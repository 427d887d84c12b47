set(PROGRAM_LIBS ff_cli_serve)
