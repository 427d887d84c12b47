set(PROGRAM_LIBS ff_cli_serve)
set(PROGRAM_NAMES flowforge-api-server flowforge-controller)
