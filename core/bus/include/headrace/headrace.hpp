#pragma once

/// All that a program needs: `#include <headrace/headrace.hpp>`, `namespace hr = headrace;`.

#include "headrace/bus/bus.hpp"
#include "headrace/event/event_description.hpp"
