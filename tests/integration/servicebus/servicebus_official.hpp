#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "servicebus_world.hpp"

namespace headrace::test {

/// Azure's client wants a newer Node.js than some Debian has.
class ServiceBusOfficial : public ServiceBusTest {
 protected:
  void SetUp() override {
    ServiceBusTest::SetUp();
    if (IsSkipped()) return;
    ::setenv("NODE_PATH", HEADRACE_NODE_MODULES, 1);
    ServerProcess node;
    node.start({"node", "-e", "require('@azure/service-bus')"});
    if (node.await_end() != 0) GTEST_SKIP() << "the official client does not load: " << node.log();
  }
};

/// What @azure/service-bus says, after it has done as told.
inline std::string official(const ServiceBusEmulator& emulator, std::vector<std::string> words) {
  ServerProcess node;
  words.insert(words.begin(), {"node", HEADRACE_SERVICEBUS_EMULATOR "/official.js", emulator.connection_string()});
  node.start(words);
  EXPECT_EQ(node.await_end(), 0) << node.log();
  return node.log();
}

}  // namespace headrace::test
