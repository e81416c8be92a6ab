/* Two redrives of one store, leases that run out, and a crash: DeadLetterStore::take, settle and release as Redrive uses
 * them, with Deduplicated behind it (redrive_test.cpp, redrive_bytes_test.cpp).
 *
 * Two letters of one parked key. Every order of steps, every moment of a lease's end, every outcome of the handler, and a
 * crash of the first redrive's process at any point.
 *
 * Holds:   a letter runs only when the earlier one of its key is gone; its effect happens once, and once more at most
 *          where a process crashed between the handler and the note that it is done; no letter is lost: in the end each is
 *          gone, and its effect happened.
 * BROKEN:  take() does not look at the earlier letters of a parked key.
 */
#define LETTERS 2
#define FAILURES 2   /* of handlers, over all */
#define EXPIRIES 2   /* of leases, over all */

bool stored[LETTERS];
byte lease[LETTERS];    /* which take holds it; 0: none */
bool run_out[LETTERS];  /* the lease did */
byte takes;
bool done[LETTERS];     /* the dedup window's */
byte claimed[LETTERS];  /* by which redrive; 0: by none */
byte effects[LETTERS];
byte failures, expiries, crashes;
byte ended;

inline crash_maybe() {
  if
  :: me == 1 -> crashes++; goto gone
  :: true -> skip
  fi
}

proctype Redrive(byte me) {
  byte letter, mine;
  do
  :: atomic {
       if
       :: !stored[0] && !stored[1] -> goto gone
       :: stored[0] && (lease[0] == 0 || run_out[0]) -> letter = 0
#ifdef BROKEN
       :: stored[1] && (lease[1] == 0 || run_out[1]) -> letter = 1
#else
       :: !stored[0] && stored[1] && (lease[1] == 0 || run_out[1]) -> letter = 1
#endif
       fi;
       takes++;
       mine = takes;
       lease[letter] = mine;
       run_out[letter] = false
     }
     crash_maybe();
     /* The claim of a crashed owner runs out; that of a living one does not, or its event may run again. */
     if
     :: atomic { done[letter] -> skip }
     :: atomic { !done[letter] && (claimed[letter] == 0 || (claimed[letter] == 1 && crashes == 1)) ->
          claimed[letter] = me };
        crash_maybe();
        if
        :: atomic { failures < FAILURES -> failures++; claimed[letter] = 0 };
           atomic { if :: lease[letter] == mine -> lease[letter] = 0 :: else -> skip fi }
           goto next
        :: atomic { effects[letter]++; assert(letter == 0 || !stored[0]) }
        fi;
        crash_maybe();
        atomic { done[letter] = true; claimed[letter] = 0 }
     fi;
     crash_maybe();
     /* A lease that ran out still settles until somebody else takes the letter (R4). */
     atomic { if :: lease[letter] == mine -> stored[letter] = false; lease[letter] = 0 :: else -> skip fi };
next: skip
  od;
gone:
  ended++
}

proctype Time() {
  do
  :: atomic { expiries < EXPIRIES && lease[0] != 0 && !run_out[0] -> run_out[0] = true; expiries++ }
  :: atomic { expiries < EXPIRIES && lease[1] != 0 && !run_out[1] -> run_out[1] = true; expiries++ }
  /* Whoever crashed holds its lease no longer than that, however often others' leases ran out before. */
  :: atomic { crashes == 1 && lease[0] != 0 && !run_out[0] -> run_out[0] = true }
  :: atomic { crashes == 1 && lease[1] != 0 && !run_out[1] -> run_out[1] = true }
  :: ended == 2 -> break
  od
}

init {
  byte i;
  atomic {
    for (i : 0 .. LETTERS - 1) { stored[i] = true }
    run Redrive(1);
    run Redrive(2);
    run Time()
  }
  ended == 2;
  for (i : 0 .. LETTERS - 1) {
    assert(!stored[i]);
    assert(effects[i] >= 1 && effects[i] <= 1 + crashes)
  }
}
