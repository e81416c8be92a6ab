import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.WorkHandler;
import com.lmax.disruptor.YieldingWaitStrategy;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.ProducerType;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CountDownLatch;

/**
 * LMAX Disruptor measured for headrace-bench, which starts it and speaks with it by lines:
 *
 *   prepare N   makes a disruptor and the threads "publisher" and "handler"; answers "prepared", so that they can be
 *               pinned
 *   go          publishes the values 1 to N; answers the seconds until the last was handled, or what went wrong
 *
 * Arguments: single | types8 | batch256 | mpsc8, and yielding | busy. One process measures one scenario, so that
 * what the compiler learns from one does not spoil another. The first answer comes after a warm-up.
 */
final class DisruptorPeer {
  private static final int IN_FLIGHT_MAX = 8192;
  private static final int BATCH = 256;
  private static final int PUBLISHERS = 8;
  private static final int WORKERS = 2;
  private static final int WARM_UP_ROUNDS = 5;
  private static final long WARM_UP_EVENTS = 2_000_000;

  /** The same 64 bytes as elsewhere, and the type that the table of handlers is looked up by. */
  private static final class Event {
    int type;
    long value, a, b, c, d, e, f, g;

    void set(int type, long value) {
      this.type = type;
      this.value = value;
      a = b = c = d = e = f = g = value;
    }
  }

  private interface Handler {
    void on(Event event);
  }

  private static class PaddingBefore {
    long p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16;
  }

  private static class TallyFields extends PaddingBefore {
    long sum, count;
    volatile long seen;
  }

  private static final class Tally extends TallyFields {
    long q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15, q16;
    private static final VarHandle SEEN;

    static {
      try {
        SEEN = MethodHandles.lookup().findVarHandle(TallyFields.class, "seen", long.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    void add(long value) {
      sum += value;
      SEEN.setRelease(this, ++count);
    }
  }

  private final String scenario;
  private final String waiting;
  private final int types;
  private Tally[] tallies;
  private Disruptor<Event> disruptor;

  private DisruptorPeer(String scenario, String waiting) {
    this.scenario = scenario;
    this.waiting = waiting;
    types = scenario.equals("types8") ? 8 : 1;
  }

  public static void main(String[] arguments) throws IOException, InterruptedException {
    DisruptorPeer peer = new DisruptorPeer(arguments[0], arguments[1]);
    for (int round = 0; round < WARM_UP_ROUNDS; ++round) {
      Round warmUp = peer.new Round(WARM_UP_EVENTS);
      warmUp.run();
    }
    BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
    Round round = null;
    for (String line = questions.readLine(); line != null; line = questions.readLine()) {
      if (line.startsWith("prepare ")) {
        round = peer.new Round(Long.parseLong(line.substring("prepare ".length())));
        System.out.println("prepared");
      } else {
        System.out.println(round.run());
      }
    }
    System.exit(0);
  }

  private WaitStrategy waitStrategy() {
    return waiting.equals("busy") ? new BusySpinWaitStrategy() : new YieldingWaitStrategy();
  }

  // A lambda a type, so that calls go to as many places as there are types.
  private static Handler handler(int type, Tally tally) {
    switch (type) {
      case 0: return event -> tally.add(event.value);
      case 1: return event -> tally.add(event.value);
      case 2: return event -> tally.add(event.value);
      case 3: return event -> tally.add(event.value);
      case 4: return event -> tally.add(event.value);
      case 5: return event -> tally.add(event.value);
      case 6: return event -> tally.add(event.value);
      default: return event -> tally.add(event.value);
    }
  }

  private final class Round {
    private final long events;
    private final CountDownLatch go = new CountDownLatch(1);
    private final Thread[] publishers;
    private volatile long finished;

    Round(long events) throws InterruptedException {
      this.events = events;
      boolean many = scenario.equals("mpsc8");
      tallies = new Tally[many ? WORKERS : types];
      for (int i = 0; i < tallies.length; ++i) tallies[i] = new Tally();
      disruptor = new Disruptor<>(Event::new, IN_FLIGHT_MAX, (Runnable r) -> new Thread(r, "handler"),
          many ? ProducerType.MULTI : ProducerType.SINGLE, waitStrategy());
      if (many) {
        @SuppressWarnings({"unchecked", "rawtypes"})
        WorkHandler<Event>[] workers = new WorkHandler[WORKERS];
        for (int i = 0; i < WORKERS; ++i) {
          Tally tally = tallies[i];
          workers[i] = event -> tally.add(event.value);
        }
        disruptor.handleEventsWithWorkerPool(workers);
      } else {
        Handler[] table = new Handler[types];
        for (int i = 0; i < types; ++i) table[i] = handler(i, tallies[i]);
        EventHandler<Event> dispatch = (event, sequence, endOfBatch) -> table[event.type].on(event);
        disruptor.handleEventsWith(dispatch);
      }
      RingBuffer<Event> ring = disruptor.start();
      publishers = new Thread[many ? PUBLISHERS : 1];
      for (int i = 0; i < publishers.length; ++i) {
        long share = (events + PUBLISHERS - 1) / PUBLISHERS;
        long first = many ? i * share + 1 : 1;
        long last = many ? Math.min(events, (i + 1) * share) : events;
        publishers[i] = new Thread(() -> publish(ring, first, last), "publisher");
        publishers[i].start();
      }
      while (publishers[0].getState() != Thread.State.WAITING) Thread.sleep(1);
    }

    Object run() throws InterruptedException {
      long started = System.nanoTime();
      go.countDown();
      for (Thread publisher : publishers) publisher.join();
      disruptor.halt();
      long sum = 0;
      for (Tally tally : tallies) sum += tally.sum;
      if (sum != events * (events + 1) / 2) return "the handlers' sum is wrong";
      return (finished - started) / 1e9;
    }

    private long seen() {
      long all = 0;
      for (Tally tally : tallies) all += tally.seen;
      return all;
    }

    private void publish(RingBuffer<Event> ring, long first, long last) {
      try {
        go.await();
      } catch (InterruptedException e) {
        return;
      }
      switch (scenario) {
        case "batch256": publishBatches(ring, first, last); break;
        case "types8": publishTypes(ring, first, last); break;
        default: publishSingly(ring, first, last); break;
      }
      if (scenario.equals("mpsc8")) {
        while (seen() != events) Thread.yield();
      } else {
        while (seen() != events) Thread.onSpinWait();
      }
      finished = System.nanoTime();
    }
  }

  private static void publishSingly(RingBuffer<Event> ring, long first, long last) {
    for (long value = first; value <= last; ++value) {
      long sequence = ring.next();
      ring.get(sequence).set(0, value);
      ring.publish(sequence);
    }
  }

  private static void publishTypes(RingBuffer<Event> ring, long first, long last) {
    for (long value = first; value <= last; ++value) {
      long sequence = ring.next();
      ring.get(sequence).set((int) (value & 7), value);
      ring.publish(sequence);
    }
  }

  private static void publishBatches(RingBuffer<Event> ring, long first, long last) {
    for (long value = first; value <= last;) {
      int size = (int) Math.min(BATCH, last - value + 1);
      long high = ring.next(size);
      long low = high - size + 1;
      for (long sequence = low; sequence <= high; ++sequence, ++value) ring.get(sequence).set(0, value);
      ring.publish(low, high);
    }
  }
}
