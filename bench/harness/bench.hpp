#pragma once

/// What a bench file includes.

#include "harness/context.hpp"
#include "harness/row.hpp"
#include "harness/statistics.hpp"
