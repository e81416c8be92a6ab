#include <signal.h>

#include <set>
#include <string>

#include "gateway_world.hpp"

namespace headrace::program {
namespace {

struct GatewayRun : GatewayWorld {};

// Claim:  a gateway loses nothing when it is killed, and when its broker is: every message that was sent arrives.
// Method: a thousand messages through a gateway that is killed after the first have arrived, once more by a second
//         one whose broker is killed and started; then all of them are there.
TEST_F(GatewayRun, KillsLoseNothing) {
  const auto source = listen();
  {
    Program gateway({"run", config()});
    for (int i = 0; i < 500; ++i) send(i, "placed");
    got.await_different(1);
    gateway.signal(SIGKILL);
    EXPECT_NE(gateway.wait().exit_code, 0);
  }
  Program gateway({"run", config()});
  for (int i = 500; i < 1000; ++i) send(i, "placed");
  got.await_different(501);
  confirms.await(1000);
  server.stop(SIGKILL);
  server.start();
  got.await_different(1000);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

// Claim:  a gateway passes on what its routes want, once, and says at its end what it did, and what went from whom to
//         whom.
// Method: three messages that are wanted, one of them twice, and one that is not.
TEST_F(GatewayRun, PassesOnWhatIsWantedOnce) {
  const auto source = listen();
  Program gateway({"run", config(), "--graph", folder.path("flow.txt")});
  send(1, "placed");
  got.await_different(1);
  send(1, "placed");
  send(2, "paid");
  send(3, "placed");
  send(4, "placed");
  got.await_different(3);
  gateway.signal(SIGTERM);
  const Outcome outcome = gateway.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(got.bodies(), (std::set<std::string>{"1", "3", "4"}));
  EXPECT_EQ(got.kept(), 3U);
  EXPECT_EQ(got.take().front().message.topic, "out/orders");
  EXPECT_NE(outcome.out.find("source in: received 5, published 4, copies 1,"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("route placed: sent 3, confirmed 3, filtered 1,"), std::string::npos) << outcome.out;
  const std::string flow = folder.read("flow.txt");
  EXPECT_NE(flow.find("shop.orders  4\n  from source in 4\n  to placed\n"), std::string::npos) << flow;
}

// Claim:  `headrace check` says what is wrong with a gateway's config, by line, and what a right one holds.
// Method: both, and the example's.
TEST_F(GatewayRun, ConfigIsChecked) {
  const Outcome fine = run_program({"check", config()});
  EXPECT_EQ(fine.exit_code, 0) << fine.err;
  EXPECT_NE(fine.out.find("fine, 1 sources, 1 sinks, 1 routes"), std::string::npos) << fine.out;
#if defined(HEADRACE_HAS_RABBITMQ)
  const Outcome example = run_program({"check", HEADRACE_EXAMPLE_FOLDER "/gateway.toml"});
  EXPECT_EQ(example.exit_code, 0) << example.err;
#endif
  const Outcome wrong =
      run_program({"check", folder.write("bad.toml", "[[route]]\nname = \"r\"\nto = \"nowhere\"\n")});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_NE(wrong.err.find("bad.toml:3:"), std::string::npos) << wrong.err;
}

}  // namespace
}  // namespace headrace::program
