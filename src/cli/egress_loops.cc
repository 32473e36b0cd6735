#include "cli/egress_loops.h"

#include <utility>

namespace countersign::cli {

// One loop's egress with all that is its alone.
class EgressLoops::LoopService final : public http::Service {
 public:
  LoopService(EgressLoops& owner, net::Loop& loop)
      : owner_(owner),
        loop_(loop),
        access_log_(owner.sink_),
        current_(std::make_shared<LoopGeneration>(owner.newest(), loop, access_log_)) {
    owner_.add(*this);
  }
  ~LoopService() override { owner_.remove(*this); }

  Task<void> serve(http::Exchange& exchange) override {
    const std::shared_ptr<LoopGeneration> generation = current_;
    co_await generation->service().serve(exchange);
    flush_at_end_of_turn();
  }

  void adopt(std::shared_ptr<EgressGeneration> generation) {
    current_ =
        std::make_shared<LoopGeneration>(std::move(generation), loop_, access_log_, current_.get());
  }

  net::Loop& loop() { return loop_; }
  LoopSample sample() const { return current_->sample(); }

 private:
  // All lines of a turn leave in one write.
  void flush_at_end_of_turn() {
    if (flush_due_ || !access_log_.enabled()) return;
    flush_due_ = true;
    loop_.at_end_of_turn([this] {
      flush_due_ = false;
      access_log_.flush();
    });
  }

  EgressLoops& owner_;
  net::Loop& loop_;
  consumer::AccessLog access_log_;
  std::shared_ptr<LoopGeneration> current_;
  bool flush_due_ = false;
};

// The samples of one look, brought to the home thread. Shared with the loops' posted work, which
// may come after the look was given up.
class EgressLoops::Gathering final {
 public:
  Gathering(Executor& home, consumer::EgressReport report, size_t loops)
      : report_(std::move(report)), missing_(loops), complete_(home) {
    if (missing_ == 0) complete_.set();
  }

  void add(const LoopSample& sample) {
    report_.counters.add(sample.counters);
    for (size_t i = 0; i < report_.apis.size(); ++i) {
      report_.apis[i].connections_busy += sample.connections[i] - sample.idle[i];
      report_.apis[i].connections_idle += sample.idle[i];
    }
    if (--missing_ == 0) complete_.set();
  }
  Event& complete() { return complete_; }
  const consumer::EgressReport& report() const { return report_; }

 private:
  consumer::EgressReport report_;
  size_t missing_;
  Event complete_;
};

EgressLoops::EgressLoops(std::shared_ptr<EgressGeneration> generation, LogSink* sink)
    : generation_(std::move(generation)),
      sink_(sink),
      started_(generation_->process().clock.wall_now()) {}

std::unique_ptr<http::Service> EgressLoops::make_service(net::Loop& loop) {
  return std::make_unique<LoopService>(*this, loop);
}

std::shared_ptr<EgressGeneration> EgressLoops::newest() {
  const std::lock_guard lock(mutex_);
  return generation_;
}

// The loops that have not taken a new generation yet. Shared with what is posted to them: a loop
// that ends first drops it.
class EgressLoops::Taking final {
 public:
  explicit Taking(net::Loop& home) : home_(home), all_(home) {}

  // For one loop; counts as taken when it is destroyed.
  std::shared_ptr<const void> ticket(const std::shared_ptr<Taking>& self) {
    ++missing_;
    return {this, [self](const void*) { self->home_.post([self] { self->taken(); }); }};
  }
  Event& all() { return all_; }

 private:
  void taken() {
    if (--missing_ == 0) all_.set();
  }
  net::Loop& home_;
  size_t missing_ = 0;
  Event all_;
};

Task<void> EgressLoops::switch_to(std::shared_ptr<EgressGeneration> generation) {
  const auto taking = std::make_shared<Taking>(generation->process().home->loop());
  {
    const std::lock_guard lock(mutex_);
    generation_ = std::move(generation);
    // As in collect(): a service that is removed has left its loop first.
    for (LoopService* service : services_) {
      service->loop().post(
          [service, next = generation_, ticket = taking->ticket(taking)] { service->adopt(next); });
    }
    if (services_.empty()) co_return;
  }
  co_await taking->all().wait();
}

void EgressLoops::add(LoopService& service) {
  const std::lock_guard lock(mutex_);
  services_.push_back(&service);
}

void EgressLoops::remove(LoopService& service) {
  const std::lock_guard lock(mutex_);
  std::erase(services_, &service);
}

Task<Result<consumer::EgressReport>> EgressLoops::collect(BootTime deadline) {
  net::Loop& home = generation_->process().home->loop();
  consumer::EgressReport report = generation_->report();
  report.started = started_;
  report.draining = draining_.load(std::memory_order_relaxed);
  std::shared_ptr<Gathering> gathering;
  {
    const std::lock_guard lock(mutex_);
    gathering = std::make_shared<Gathering>(home, std::move(report), services_.size());
    for (LoopService* service : services_) {
      // A service that is removed has left its loop first, and then nothing posted runs any more.
      service->loop().post([service, &home, gathering]() mutable {
        home.post([gathering = std::move(gathering), sample = service->sample()] {
          gathering->add(sample);
        });
      });
    }
  }
  if (!co_await gathering->complete().wait(deadline)) {
    co_return fail(ErrorKind::timed_out, "egress.report_timeout", "a loop does not answer");
  }
  co_return gathering->report();
}

}  // namespace countersign::cli
