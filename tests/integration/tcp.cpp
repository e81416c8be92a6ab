#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <string>

#include "program.hpp"

namespace headrace::program {
namespace {

/// A client of the port that the program said it listens on.
class Client {
 public:
  explicit Client(const std::string& listening) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const std::string digits = listening.substr(listening.rfind(':') + 1);
    std::uint16_t port = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << listening;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(socket_); }
  void send(std::string_view text) const {
    EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

 private:
  int socket_;
};

std::string tcp_config(std::string_view connections) {
  return "[source]\nkind = \"tcp\"\nformat = \"csv\"\nlisten = \"127.0.0.1:0\"\nconnections = " +
         std::string(connections) +
         "\n[event]\ntopic = \"t/{id}\"\n[[subscription]]\nname = \"all\"\nfilter = \"#\"\ncount_by = \"{v}\"\n";
}

// Claim:  each connection is a stream with a header of its own; bad lines name their connection.
// Method: three clients, two at the same time with different columns, cut in the middle of lines.
TEST(Tcp, EveryConnectionIsAStreamOfItsOwn) {
  const Folder folder;
  Program program({"run", folder.write("c.toml", tcp_config("3"))});
  const std::string listening = program.wait_for_error_line("listening on");
  ASSERT_FALSE(listening.empty());
  {
    const Client one(listening);
    const Client two(listening);
    one.send("id,v\n1,");
    two.send("v,id\nb,2\nb,");
    one.send("a\nbad\n");
    two.send("3\n");
  }
  Client(listening).send("id,v\n4,c");
  const Outcome run = program.wait();
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.last_line(),
            "ledger balanced: published 4 = handled 4 + dropped 0 + unrouted 0 + failed 0 + in flight 0");
  EXPECT_NE(run.out.find("all: b 2, a 1, c 1"), std::string::npos) << run.out;
  EXPECT_NE(folder.read("c.rejects.ndjson").find("\"source\":\"connection 1\",\"line\":3"), std::string::npos);
}

// Claim:  SIGINT ends a listening program with its report.
// Method: the signal comes while a connection is open.
TEST(Tcp, SigintEndsListening) {
  const Folder folder;
  Program program({"run", folder.write("c.toml", tcp_config("0"))});
  const std::string listening = program.wait_for_error_line("listening on");
  const Client client(listening);
  client.send("id,v\n1,a\n");
  program.signal(SIGINT);
  const Outcome run = program.wait();
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(run.last_line().starts_with("ledger balanced: ")) << run.out;
}

// Claim:  while a run goes on, SIGUSR1 has who publishes what to whom written as rates, and the run's end as counts.
// Method: a client's records wait for nothing: the graph is asked for when it has sent, and after the end.
TEST(Tcp, GraphIsWrittenWhenAskedFor) {
  const Folder folder;
  const std::string graph = folder.path("flow.txt");
  Program program({"run", folder.write("c.toml", tcp_config("0") + "print = \"got {v}\"\n"), "--graph", graph});
  const std::string listening = program.wait_for_error_line("listening on");
  ASSERT_FALSE(listening.empty());
  const Client client(listening);
  client.send("id,v\n1,a\n1,b\n");
  ASSERT_FALSE(program.wait_for_output_line("got b").empty());
  program.signal(SIGUSR1);
  ASSERT_FALSE(program.wait_for_output_line("graph: " + graph).empty());
  const std::string rates = folder.read("flow.txt");
  EXPECT_EQ(rates.find("event flow over "), 0U) << rates;
  EXPECT_NE(rates.find("/s\n  to all\n"), std::string::npos) << rates;
  program.signal(SIGINT);
  EXPECT_EQ(program.wait().exit_code, 0);
  EXPECT_EQ(folder.read("flow.txt"),
            "event flow since the start\nt/1  2\n  from tcp 2\n  to all\nsubscriptions\n  all  #  2 handled\n");
}

}  // namespace
}  // namespace headrace::program
