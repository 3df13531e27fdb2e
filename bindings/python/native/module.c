/* The module itself. */
#include "crossing.h"

int crossing_version(void)
{
    return CROSSING_VERSION;
}
