/* The same random operations on store-memory and on another driver give the same
 * results. FF_SEED repeats a run, FF_OPERATIONS makes it longer. */
#ifndef SUPPORT_SAME_H
#define SUPPORT_SAME_H

void check_random_operations(const char *driver);

#endif
