// A listener that is bound to one interface, in network namespaces of this test's own: reachable
// through that interface and through no other.

#include <future>
#include <sstream>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/worker.h"
#include "net/listener.h"

namespace countersign::net {
namespace {

// A thread in a network namespace of its own. What it starts and opens is in there too.
class Namespace final {
 public:
  Namespace() {
    run([this] {
      made_ = ::unshare(CLONE_NEWNET) == 0;
      thread_ = ::gettid();
    });
  }
  bool made() const { return made_; }
  std::string thread() const { return std::to_string(thread_); }

  void run(const std::function<void()>& work) {
    std::promise<void> done;
    ASSERT_TRUE(worker_.submit([&] {
      work();
      done.set_value();
    }));
    done.get_future().wait();
  }
  // `ip COMMAND`, its words separated by spaces. True if it exits with 0.
  bool ip(const std::string& command) {
    bool worked = false;
    run([&] { worked = spawn_ip(command); });
    return worked;
  }
  // What connecting gives: 0 or errno.
  int connect_to(std::string_view address, uint16_t port) {
    int result = 0;
    run([&] {
      const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port);
      ::inet_pton(AF_INET, std::string(address).c_str(), &to.sin_addr);
      const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&to));
      if (::connect(fd.get(), generic, sizeof to) != 0) result = errno;
    });
    return result;
  }

 private:
  static bool spawn_ip(const std::string& command) {
    std::istringstream text("ip " + command);
    std::vector<std::string> words;
    for (std::string word; text >> word;) words.push_back(word);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t child = 0;
    char* no_environment = nullptr;
    if (::posix_spawnp(&child, "ip", nullptr, nullptr, argv.data(), &no_environment) != 0)
      return false;
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  Worker worker_{{.threads = 1, .queue_max = 4}};
  bool made_ = false;
  pid_t thread_ = 0;
};

TEST(ListenerInterface, IsReachableThroughItsInterfaceAlone) {
  Namespace server;
  Namespace client;
  if (!server.made() || !client.made()) GTEST_SKIP() << "skipped: no right to make namespaces";
  if (!server.ip("link add a0 type veth peer name a1 netns " + client.thread())) {
    GTEST_SKIP() << "skipped: no iproute2, or no right to make interfaces";
  }
  ASSERT_TRUE(server.ip("link add c0 type veth peer name c1 netns " + client.thread()));
  for (const char* command : {"addr add 10.1.0.1/24 dev a0", "addr add 10.2.0.1/24 dev c0",
                              "link set a0 up", "link set c0 up"}) {
    ASSERT_TRUE(server.ip(command)) << command;
  }
  for (const char* command : {"addr add 10.1.0.2/24 dev a1", "addr add 10.2.0.2/24 dev c1",
                              "link set a1 up", "link set c1 up"}) {
    ASSERT_TRUE(client.ip(command)) << command;
  }
  std::shared_ptr<const ListeningSocket> bound;
  std::shared_ptr<const ListeningSocket> everywhere;
  Result<std::shared_ptr<const ListeningSocket>> missing;
  server.run([&] {
    bound = ListeningSocket::create({.address = {}, .interface = "a0"}).value();
    everywhere = ListeningSocket::create({.address = {}}).value();
    missing = ListeningSocket::create({.address = {}, .interface = "a9"});
  });
  const uint16_t port = bound->bound().port;
  EXPECT_EQ(client.connect_to("10.1.0.1", port), 0);
  EXPECT_EQ(client.connect_to("10.2.0.1", port), ECONNREFUSED) << "another interface's address";
  EXPECT_EQ(client.connect_to("10.2.0.1", everywhere->bound().port), 0) << "the way itself is open";
  // The interface's own address, but by another way.
  ASSERT_TRUE(client.ip("route add 10.1.0.1/32 via 10.2.0.1"));
  EXPECT_EQ(client.connect_to("10.1.0.1", everywhere->bound().port), 0);
  EXPECT_EQ(client.connect_to("10.1.0.1", port), ECONNREFUSED);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "net.listen_failed");
}

}  // namespace
}  // namespace countersign::net
