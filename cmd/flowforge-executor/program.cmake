set(PROGRAM_LIBS ff_cli_executor)
