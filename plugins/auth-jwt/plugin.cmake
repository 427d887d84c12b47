set(PLUGIN_LIBS ff::jwt ff::jansson ff::crypto ff::curl m Threads::Threads)
