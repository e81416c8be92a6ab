#pragma once

#include "headrace/process/saga.hpp"
#include "shop.hpp"

/// Somebody is in charge: the same services, called by a saga, one after the other; when the money cannot be
/// taken, what was done is undone. The saga's input is the order's number.
[[nodiscard]] hr::Saga order_saga(Shop& shop, Bank& bank);
