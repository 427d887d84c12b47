set(PLUGIN_LIBS ff::hiredis ff::ssl ff::crypto)
