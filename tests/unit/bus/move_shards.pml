/* A worker that changes threads while a handler hangs: ApartCalls, WatchSlot, Dispatcher::stand_in and unsubscribe
 * (move_shards_test.cpp).
 *
 * Three events of one subscription, each under its own key; the worker's thread and up to two that stand in; a watchdog
 * that finds any call too long at any time; somebody who ends the subscription; the thread that stops the bus. Every order
 * of steps.
 *
 * Holds:   the worker's state has one owner at a time; each event is settled once; whoever ended the subscription finds no
 *          handler of it running, and none begins later; stop ends, whatever was left behind.
 * BROKEN:  the end of a subscription asks for the calls that were left behind before it asks what the worker runs.
 */
#define EVENTS 3
#define THREADS 3

#define NONE 255

byte queue = EVENTS;        /* owner: worker */
byte settled, dropped;      /* owner: worker */
bool running;               /* RunningHandler: the worker runs the subscription's handler */
bool cancelled;
byte owners;                /* threads inside what only the worker may touch */
byte handlers;              /* threads inside the handler */

byte call_now = NONE;       /* under WatchSlot's mutex: the thread whose call is the worker's */
byte number;                /* of that call */
byte left;                  /* under the same: calls left behind that go on */

byte posted;                /* under ApartCalls' mutex */
byte threads = 1;           /* under the Dispatcher's mutex: made */
byte finished;
bool ends_workers, halted, ended;

inline touch() { owners++; assert(owners == 1) }
inline let_go() { owners-- }

inline settle_posted() {
  atomic { settled = settled + posted; posted = 0 }
}

/* The loop of whichever thread is the worker. It begins and ends with the worker in its hands. */
inline loop() {
  do
  :: halted -> break
  :: else ->
     settle_posted();
     if
     :: queue > 0 ->
        queue--;
        running = true;     /* RunningHandler::enter: its fences make these two steps one order */
        if
        :: cancelled -> running = false; dropped++
        :: else ->
           atomic { call_now = _pid; number++; let_go() }   /* begin: from here on it may be taken */
           handlers++;
           assert(!ended);
           handlers--;
           atomic {                                         /* end */
             if
             :: call_now == _pid -> call_now = NONE; mine = true; touch()
             :: else -> left--; mine = false
             fi
           };
           if
           :: mine -> settled++; running = false
           :: else -> posted++; goto over
           fi
        fi
     :: else -> skip
     fi
  od;
  let_go();
over:
  finished++
}

proctype First() {
  bool mine;
  touch();
  loop()
}

proctype StandIn(byte call) {
  bool mine;
  if
  :: atomic { call_now != NONE && number == call -> call_now = NONE; left++; touch() };   /* take */
     running = false;                                                                     /* leave_call_behind */
     settle_posted();
     loop()
  :: atomic { call_now == NONE || number != call -> finished++ }
  fi
}

proctype Watchdog() {
  do
  :: atomic { call_now != NONE && !ends_workers && threads < THREADS -> threads++; run StandIn(number) }
  :: ends_workers -> break
  :: threads == THREADS -> break
  od
}

proctype Unsubscriber() {
  cancelled = true;
#ifdef BROKEN
  left == 0;
  !running;
#else
  do
  :: if
     :: running -> skip
     :: else ->
        if
        :: left == 0 -> break
        :: else -> skip
        fi
     fi
  od;
#endif
  assert(handlers == 0);
  ended = true
}

proctype Stopper() {
  atomic { ends_workers = true };
  halted = true;
  finished == threads;
  settle_posted();
  dropped = dropped + queue;
  assert(owners == 0 && handlers == 0 && left == 0);
  assert(settled + dropped == EVENTS)
}

init {
  atomic {
    run First();
    run Watchdog();
    run Unsubscriber();
    run Stopper()
  }
}
