set(PROGRAM_LIBS ff_fetch)
