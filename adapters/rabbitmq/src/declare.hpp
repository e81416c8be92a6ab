#pragma once

#include "connection.hpp"
#include "headrace/rabbitmq/topology.hpp"

namespace headrace::rabbitmq {

/// Makes what the topology names, where it is not there yet.
[[nodiscard]] Status declare(Connection& connection, const Topology& topology);

}  // namespace headrace::rabbitmq
