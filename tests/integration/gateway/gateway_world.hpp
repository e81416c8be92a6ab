#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "../../conformance/adapter/collector.hpp"
#include "../program.hpp"
#include "headrace/redis/redis_sink.hpp"
#include "headrace/redis/redis_source.hpp"
#include "redis_server.hpp"

namespace headrace::program {

/// A broker with something for a gateway to do: from the stream `orders` to the stream `out/orders`.
struct GatewayWorld : testing::Test {
  test::RedisServer server;
  Folder folder;
  test::Collector got;
  test::Confirms confirms;
  std::unique_ptr<redis::RedisSink> sink;

  struct Changes {
    std::string sink_url = {};      ///< another broker
    std::string outside = "out/#";  ///< the route's topic there
    std::string end = {};           ///< keys of both ends
    std::string more = {};          ///< at the end
  };
  std::string config(const Changes& changes) {
    const std::string sink_url = changes.sink_url.empty() ? server.url() : changes.sink_url;
    return folder.write("gateway.toml", "[[source]]\nname = \"in\"\nkind = \"redis\"\nurl = \"" + server.url() +
                                            "\"\nstream = \"orders\"\nidentity = \"id\"\nunsettled = 100\n" +
                                            changes.end +
                                            "topics = [[\"orders\", \"shop.orders\"]]\n"
                                            "[[sink]]\nname = \"out\"\nkind = \"redis\"\nurl = \"" +
                                            sink_url + "\"\n" + changes.end +
                                            "[[route]]\nname = \"placed\"\nfilter = \"shop.#\"\nto = \"out\"\n"
                                            "headers = { type = \"placed\" }\ntopics = [[\"" +
                                            changes.outside + "\", \"shop.#\"]]\n" + changes.more);
  }
  std::string config() { return config(Changes{}); }
  redis::RedisOptions options() const {
    redis::RedisOptions options;
    options.url = server.url();
    return options;
  }
  void send(Message&& message) {
    if (sink == nullptr) {
      redis::RedisSinkOptions sending;
      sending.server = options();
      sink = std::make_unique<redis::RedisSink>(std::move(sending));
      ASSERT_TRUE(sink->start());
    }
    ASSERT_EQ(sink->send(std::move(message), confirms.one()), SendResult::taken);
  }
  void send(int number, std::string_view type) {
    Message message = test::message_of("orders", std::to_string(number));
    message.headers = {{"id", std::to_string(number)}, {"type", std::string(type)}};
    send(std::move(message));
  }
  void send_body(const std::string& body) { send(test::message_of("orders", body)); }
  std::unique_ptr<redis::RedisSource> listen(std::string stream = "out/orders") {
    redis::RedisSourceOptions listening;
    listening.server = options();
    listening.stream = std::move(stream);
    listening.consumer = "test";
    auto source = std::make_unique<redis::RedisSource>(std::move(listening));
    EXPECT_TRUE(source->start(got.settle(Settlement::done)));
    return source;
  }
};

}  // namespace headrace::program
