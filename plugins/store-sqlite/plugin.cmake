set(PLUGIN_LIBS ff::sqlite Threads::Threads)
