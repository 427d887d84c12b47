/* base/base.h - what every room stands on: memory, text, containers, names,
 * time as numbers, files. Nothing here knows of workflows. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include "base/array.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/civil.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "base/heap.h"
#include "base/id.h"
#include "base/json.h"
#include "base/labels.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/privacy.h"
#include "base/probe.h"
#include "base/rand.h"
#include "base/sha256.h"
#include "base/sip.h"
#include "base/text.h"
#include "base/units.h"

#include <flowforge/base.h>

#endif
