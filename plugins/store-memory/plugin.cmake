set(PLUGIN_LIBS Threads::Threads)
