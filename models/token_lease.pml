/*
 * How processes share one token row (design §4.2), for spin. tests/model/ checks it, and checks that
 * each deliberately broken variant is caught.
 *
 * Step of the model             where it is in the code
 * ----------------------------  ---------------------------------------------------------------
 * row_*                         one row of store::TokenStore; each `atomic` is one of its operations
 * read, adopt                   SharedTokenSource::fetch_shared() and adopt()
 * claim                         TokenStore::claim(): guard and change are one step, as its
 *                               comparison with the generation that was seen makes them
 * ask                           SharedTokenSource::ask_under(); `grants` is the issuer's own count
 * publish, release              TokenStore::publish(), release()
 * refused                       FetchRequest::last_refused, note_refusal()
 * alone, offer                  ask_alone(), offer(): what a process does while the store is away
 * lost answer                   holds_unused_claim() and settle(): the store did it, nobody heard
 * lease ends                    the store's clock passes lease_until, at any time at all
 * die                           kill -9, between any two steps; a stall is a step that comes late
 *
 * Time does not occur: a lease may end at any moment, and a process may be stopped for any while
 * between any two steps, also between looking at the clock and sending. What holds here holds for
 * every choice of lease, deadline and poll interval. The numbers are small (processes, generations,
 * deaths, outages) so that the search is complete; what is counted per generation does not depend
 * on how many there are.
 *
 * Properties
 *   at most one grant for each claimed number                    assert in ask
 *   a token never replaces a newer one                           assert in publish
 *   a process that saw a generation never goes back              assert in adopt
 *   nobody takes a generation that it knows to be refused        assert in adopt
 *   no deadlock when an owner dies                               no invalid end state
 *   somebody publishes the last generation if anybody lives      assert at the end, and <> done
 *
 * Broken on purpose, one at a time: -DUNFENCED publishes without looking at the claim; -DUNCLAIMED
 * asks although the claim was not granted; -DNO_EXPIRY never ends the lease of the dead; -DREUSED
 * takes a claim for unused whose number was used.
 */

#ifndef PROCESSES
#define PROCESSES 3
#endif
#ifndef TARGET
#define TARGET 2 /* generations to publish */
#endif
#ifndef DEATHS
#define DEATHS (PROCESSES - 1) /* the last one lives */
#endif
#ifndef OUTAGES
#define OUTAGES 0 /* answers of the store that are lost, or operations that fail */
#endif
#ifndef REFUSALS
#define REFUSALS 1
#endif
#ifndef CLAIMS
#define CLAIMS 4 /* numbers given out at most: each may be lost to a death or a stall */
#endif

#ifdef REUSED
#define USED_UP_TO (asked_under - 1)
#else
#define USED_UP_TO asked_under
#endif

byte row_generation = 0;
byte row_claimed = 0;
byte row_rejected = 0;
byte row_owner = 0; /* 0: nobody; otherwise process + 1 */
bool row_leased = false;

byte grants[CLAIMS + 1]; /* by claimed number; [0]: alone */
byte deaths = 0;
byte outages = 0;
byte refusals = 0;
byte ended = 0;

inline forget() { d_step { claimed = 0; granted = false } }

/* What the store says may be lost on its way; then the process renews alone. */
inline maybe_lost() {
  lost = false;
  if
  :: outages < OUTAGES -> outages++; lost = true
  :: true
  fi
}

proctype Process(byte self) {
  byte newest = 0;      /* newest shared generation that was given to the slot */
  byte rejected = 0;    /* refused here */
  byte claimed = 0;     /* the number held now */
  byte asked_under = 0; /* the newest number used */
  byte unshared = 0;    /* 1: has a token of its own; its number, if any, in unshared_number */
  byte unshared_number = 0;
  bool granted = false;
  bool lost = false;

look:
  if
  /* Enough was published, and this process has it. */
  :: atomic { newest >= TARGET && row_rejected < newest && rejected < newest -> goto finished }
  :: atomic { deaths < DEATHS -> deaths++; goto dead }
  /* The provider refuses the token in use. */
  :: atomic { refusals < REFUSALS && newest > 0 && rejected < newest ->
       refusals++; rejected = newest; goto look }
  /* read, adopt */
  :: atomic { row_generation > newest && row_generation > row_rejected &&
              row_generation > rejected ->
       assert(row_generation > rejected && row_generation > newest);
       newest = row_generation; unshared = 0; unshared_number = 0; goto look }
  /* settle: a publication whose answer was lost */
  :: atomic { unshared == 1 && unshared_number != 0 && unshared_number == row_generation &&
              row_generation > newest ->
       newest = row_generation; unshared = 0; unshared_number = 0; goto look }
  /* holds_unused_claim */
  :: atomic { row_leased && row_owner == self + 1 && row_claimed > USED_UP_TO ->
       claimed = row_claimed }
     goto ask
  /* claim: wanted if the newest is not enough, or was refused. Recording a refusal is part of it. */
  :: atomic { (row_generation < TARGET || row_rejected >= row_generation ||
               rejected >= row_generation) && row_claimed < CLAIMS &&
              (!row_leased || rejected > row_rejected) ->
       if
       :: rejected > row_rejected -> row_rejected = rejected
       :: else
       fi;
       if
       :: !row_leased ->
            row_claimed++; row_owner = self + 1; row_leased = true;
            claimed = row_claimed; granted = true
       :: else ->
#ifdef UNCLAIMED
            claimed = row_claimed; granted = true
#else
            forget()
#endif
       fi;
       maybe_lost() }
     if
     :: lost -> forget(); goto alone
     :: !lost && granted -> goto ask
     :: !lost && !granted -> goto look
     fi
  /* offer: this process has a token that the row has not, and nobody is about to publish */
  :: atomic { unshared == 1 && row_claimed < CLAIMS &&
              row_owner == self + 1 && row_claimed == unshared_number &&
              row_generation < unshared_number ->
       claimed = unshared_number }
     goto publish
  :: atomic { unshared == 1 && row_claimed < CLAIMS && !row_leased &&
              row_claimed != unshared_number ->
       row_claimed++; row_owner = self + 1; row_leased = true;
       claimed = row_claimed; asked_under = claimed; unshared_number = claimed }
     goto publish
  /* Nothing to do for this process: all numbers of this bounded model are spent, or enough was
     published and is refused by nobody it knows. */
  :: atomic { row_claimed == CLAIMS && !(row_leased && row_owner == self + 1) -> goto finished }
  fi;

ask:
  if
  :: atomic { deaths < DEATHS -> deaths++; goto dead }
  :: atomic { true ->
       asked_under = claimed;
       grants[claimed]++;
       assert(grants[claimed] <= 1) }
     goto publish
  /* The issuer gave none, or the lease came too late: release, fenced like publish. */
  :: atomic { true ->
       asked_under = claimed;
       if
       :: row_claimed == claimed && row_owner == self + 1 -> row_leased = false; row_owner = 0
       :: else
       fi;
       forget() }
     goto look
  fi;

publish:
  if
  :: atomic { deaths < DEATHS -> deaths++; goto dead }
  :: atomic { true ->
#ifdef UNFENCED
       if
       :: true ->
#else
       if
       :: row_claimed == claimed && row_owner == self + 1 && row_generation < claimed ->
#endif
            assert(claimed > row_generation);
            row_generation = claimed; row_leased = false; row_owner = 0;
            maybe_lost();
            if
            :: lost -> unshared = 1; unshared_number = claimed
            :: else ->
                 newest = (claimed > newest -> claimed : newest); unshared = 0; unshared_number = 0
            fi
#ifndef UNFENCED
       :: else ->
            /* A newer number is out: its token is taken as soon as it is there. */
            unshared = 0; unshared_number = 0
#endif
       fi;
       forget() }
     goto look
  fi;

alone:
  if
  :: atomic { deaths < DEATHS -> deaths++; goto dead }
  :: atomic { grants[0] < 250 -> grants[0]++; unshared = 1; unshared_number = 0 }
     goto look
  fi;

dead:
finished:
  atomic { ended++ }
}

/* The store's clock: a lease may end at any time. */
active proctype Leases() {
end:
  do
#ifndef NO_EXPIRY
  :: atomic { row_leased -> row_leased = false }
#else
  :: atomic { false -> skip }
#endif
  od
}

init {
  byte i = 0;
  atomic {
    do
    :: i < PROCESSES -> run Process(i); i++
    :: else -> break
    od
  }
  (ended == PROCESSES);
  /* Somebody lived, so the last generation is there, unless this model ran out of numbers. */
  assert(row_generation >= TARGET || row_claimed == CLAIMS)
}

/* If nobody stops for ever, it does come to an end. */
ltl progress { <> (ended == PROCESSES) }
