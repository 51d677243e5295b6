/* The filters of aarch64, as they were made at build time. */
#include "base/filters.h"

#include "filters/aarch64.inc"

#include <linux/audit.h>

const struct filters FILTERS_OF_AARCH64 = FILTERS(AUDIT_ARCH_AARCH64);
