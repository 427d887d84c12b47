/* A driver that was linked without a library that it needs. */
#include <flowforge/driver.h>

const struct ff_driver *from_a_library_that_is_not_there(void);

FF_EXPORT const struct ff_driver *ff_driver_entry(void);
const struct ff_driver *ff_driver_entry(void)
{
    return from_a_library_that_is_not_there();
}
