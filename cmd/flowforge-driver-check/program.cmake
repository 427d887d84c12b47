set(PROGRAM_LIBS ff_kit)
