set(PLUGIN_LIBS ff::jwt ff::jansson ff::crypto m Threads::Threads)
