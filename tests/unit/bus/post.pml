/* Work posted to a worker against the end of the bus: DeliveryAgent::post and run_posted (redrive_test.cpp, "no redrive
 * waits for a bus that stopped").
 *
 * Two posters, a worker that takes what was posted in its turns until it is halted, and the thread that stops the bus: it
 * halts the worker, joins it and tells what is left that the bus has stopped. Every order of steps.
 *
 * Holds:   work that was taken runs once or is told once that the bus has stopped; none is left; a worker does not go to
 *          sleep over work.
 * BROKEN:  the queue is closed after it was emptied, not with it.
 */
#define POSTERS 2

byte queue;        /* under the mutex: what lies in posted_ */
bool stopped;      /* under the mutex: bus_stopped_ */
bool has_posted;
bool rung;         /* the doorbell */
bool halted, joined;
byte accepted, refused, ran, told, posters_left = POSTERS;

proctype Poster() {
  atomic {  /* the mutex */
    if
    :: stopped -> refused++; goto over
    :: else -> queue++; has_posted = true; accepted++
    fi
  }
  rung = true;
over:
  posters_left--
}

proctype TheWorker() {
  byte taken;
  do
  :: if
     :: has_posted ->
        atomic { taken = queue; queue = 0; has_posted = false }
        ran = ran + taken
     :: else -> skip
     fi;
     if
     :: halted -> break
     :: else -> skip
     fi;
     /* Parks unless it was rung, or there is work: next_due_ns() answers 0 then. */
     if
     :: has_posted -> skip
     :: else -> rung || halted; rung = false
     fi
  od;
  joined = true
}

proctype Stopper() {
  byte taken;
  halted = true;
  joined;
#ifdef BROKEN
  atomic { taken = queue; queue = 0 }
  stopped = true;
#else
  atomic { taken = queue; queue = 0; stopped = true }
#endif
  told = told + taken
}

init {
  atomic {
    run Poster();
    run Poster();
    run TheWorker();
    run Stopper()
  }
  _nr_pr == 1;
  assert(posters_left == 0 && queue == 0);
  assert(accepted == ran + told);
  assert(accepted + refused == POSTERS)
}
