/*
 * The fence of announced waves, for spin. README.md beside this file says what is left out, and why that's sound.
 *
 * Promise: once the registry has judged a copy of the table to be `applied` or `fenced` for a freeze, this copy
 * lets no write to the domain through at the source, until a thaw after that freeze has reached it.
 *
 * There is one domain and one copy of the table, for a verdict on a copy depends on no other copy. Time goes in
 * ticks. Each -D below breaks one rule, and scripts/try-model says for each of them what has to come of it.
 */

/* The constants stand in the same order as those of the registry: a statement's limit is less than the judge's
 * wait, and both are less than a lease. */
#ifndef LEASE
#define LEASE 3             /* --fence-after */
#endif
#ifndef DRIFT
#define DRIFT 1             /* what a slow clock of a copy adds to a lease, at most */
#endif
#define STATEMENT_LIMIT 1   /* 500 ms: a statement that took longer grants nothing */

#if defined(NO_MARGIN)
#define SILENCE (LEASE + STATEMENT_LIMIT + 1)
#elif defined(NO_HALF_SECOND)
#define SILENCE (LEASE + DRIFT + 1)
#else
#define SILENCE (LEASE + DRIFT + STATEMENT_LIMIT + 1)
#endif

#ifdef NO_WAIT
#define WAIT 0
#else
#define WAIT 2              /* 1 s, from a query that saw the freeze to the one that judges by silence */
#endif

/* From this age on a statement's age isn't known exactly. Where a search is to find something, all ages are, so that
 * what it finds is a way of the protocol's, and not only of the model's. */
#ifdef EXACT
#define OLD SILENCE
#else
#define OLD (STATEMENT_LIMIT + 1)
#endif

#ifndef REVISIONS
#define REVISIONS 6
#endif
#ifndef OTHERS
#define OTHERS 0            /* revisions that don't concern the domain, at most */
#endif

/* What a table says of the domain. */
#define SERVE 0
#define ANNOUNCED 1
#define FROZEN 2
#define MOVED 3

/* The log. A table is what the log says at its revision; revision 0 is before all waves. */
unsigned head : 4;
unsigned others : 2;
typedef Revision {
    unsigned table : 2;         /* the domain in the table at this revision */
    unsigned announcement : 4;  /* the last announcement up to here, 0 where there's none */
    unsigned freeze : 4;        /* likewise, for freezes */
    bit thaw
};
Revision at[REVISIONS + 1];

/* The copy. Times left are real ones, and one more than they are: 0 is none. */
unsigned applied : 4;
unsigned disk : 4;              /* what it would start again with: it saves as late as it may */
unsigned lease : 4;
unsigned pendingHead : 4;
unsigned pendingLeft : 4;

/* Messages. One that's lost is one that nobody ever takes. Without DELAYS a report is heard, and its answer comes, at
 * once: a later answer's lease would end at the same moment. */
unsigned earlierReport : 4;     /* of the process that ran before the last kill: nobody waits for its answer */
#ifdef DELAYS
bit reportSent;
unsigned report : 4;
unsigned reportAge : 4;
unsigned answerHead : 4;
unsigned answerLeft : 4;
#endif

/* The database's row of the copy. */
unsigned lastWord : 4;
unsigned silence : 4;           /* the time since last_seen, SILENCE at most */

/* Nodes. Each has at most one statement under way for the copy, and one that it answers by. */
#ifndef NODES
#define NODES 2
#endif
#define IDLE 0
#define BEGUN 1                 /* its snapshot is taken, and its time, too */
#define COMMITTED 2             /* everybody sees what it wrote, and the node hasn't its answer yet */
typedef Node {
    unsigned phase : 2;
    unsigned snapshotHead : 4;
    unsigned word : 4;
    unsigned age : 4;           /* since it began, OLD at most */
#ifdef DELAYS
    unsigned grantHead : 4;
    unsigned grantLeft : 4;     /* LEASE less the age of the statement that it answers by, and 1 */
#endif
    bit isOfThisRun
};
Node node[NODES];

/* The judge. */
unsigned sinceFreeze : 2;       /* since a query saw the freeze committed, WAIT at most */
unsigned judgedSafe : 4;        /* the freeze that the copy was judged to be safe for; 0 once a thaw has reached it */

#define LETS_WRITES_THROUGH \
    (at[applied].table == SERVE || (at[applied].table == ANNOUNCED && lease > 0))

#ifdef NO_ANNOUNCEMENT
#define HAS_ANNOUNCEMENT true
#elif defined(ANY_ANNOUNCEMENT)
#define HAS_ANNOUNCEMENT (at[lastWord].announcement > 0)
#else
#define HAS_ANNOUNCEMENT (lastWord >= at[head].announcement)
#endif

#ifdef NODES_ANSWER_EARLIER_RUNS
#define ONE_RUN false
#else
#define ONE_RUN true
#endif

/* What a word means to the judge: nothing where there's no wave to judge, or it's less than the announcement, which
 * is later than all words of before. Values that nothing depends on are 0 throughout, so that fewer states differ. */
#ifdef ANY_ANNOUNCEMENT
#define MEANING(said) said
#else
#define MEANING(said) \
    (at[head].table == SERVE || at[head].table == MOVED || said < at[head].announcement -> 0 : said)
#endif

#ifdef REACH
bit hadLease;
bit wasFenced;
#if REACH == 1      /* a verdict of having applied the freeze */
#define REACHED (judgedSafe > 0 && !wasFenced)
#elif REACH == 2    /* a verdict of being fenced, on a copy that hasn't the freeze */
#define REACHED (wasFenced && applied < judgedSafe)
#elif REACH == 3    /* a fenced copy that comes back, and applies the cutover */
#define REACHED (wasFenced && at[applied].table == MOVED)
#elif REACH == 4    /* a write under an announcement, with a lease */
#define REACHED (at[head].table == ANNOUNCED && at[applied].table == ANNOUNCED && LETS_WRITES_THROUGH)
#elif REACH == 5    /* a write after the freeze, before a verdict: what the verdict waits for */
#define REACHED (at[head].table == FROZEN && judgedSafe == 0 && at[applied].table == ANNOUNCED && LETS_WRITES_THROUGH)
#elif REACH == 6    /* a copy that lost the freeze by a kill after the verdict that it had applied it */
#define REACHED (judgedSafe > 0 && !wasFenced && applied < judgedSafe)
#elif REACH == 7    /* a fenced copy with a renewal that waits for the freeze */
#define REACHED (wasFenced && judgedSafe > 0 && applied < judgedSafe && pendingLeft > 0)
#elif REACH == 8    /* writes again, where a thaw has reached a fenced copy */
#define REACHED (wasFenced && judgedSafe == 0 && LETS_WRITES_THROUGH)
#elif REACH == 9    /* the same wave announced, frozen and judged a second time */
#define REACHED (wasFenced && judgedSafe > 0 && at[at[judgedSafe].announcement].freeze > 0)
#endif
#endif

inline append(what, thawed) {
    head++;
    at[head].table = what;
    at[head].announcement = at[head - 1].announcement;
    at[head].freeze = at[head - 1].freeze;
    at[head].thaw = thawed;
    lastWord = MEANING(lastWord);
    earlierReport = MEANING(earlierReport);
    node[0].word = MEANING(node[0].word);
#if NODES > 1
    node[1].word = MEANING(node[1].word);
#endif
    if
    :: at[head].table == MOVED -> silence = 0
    :: else
    fi
}

inline later(left) {
    if
    :: left > 0 -> left--
    :: else
    fi
}

inline laterUpTo(passed, most) {
    if
    :: passed < most -> passed++
    :: else
    fi
}

inline nodeLater(n) {
#ifdef DELAYS
#ifndef WHOLE_LEASE
    later(node[n].grantLeft);
#endif
    if
    :: node[n].grantLeft == 0 -> node[n].grantHead = 0
    :: else
    fi;
#endif
    if
    :: node[n].phase != IDLE -> laterUpTo(node[n].age, OLD)
    :: else
    fi;
#ifndef SLOW_STATEMENT
    if
    :: node[n].age > STATEMENT_LIMIT -> grantsNothing(n)
    :: else
    fi
#endif
}

/* Fields that nothing depends on any more are cleared, so that fewer states differ. */
inline grantsNothing(n) {
    if
    :: node[n].phase == COMMITTED -> forgetStatement(n)
    :: else ->
        node[n].snapshotHead = 0;
        node[n].isOfThisRun = 0
    fi
}

inline forgetStatement(n) {
    node[n].phase = IDLE;
    node[n].snapshotHead = 0;
    node[n].word = 0;
    node[n].age = 0;
    node[n].isOfThisRun = 0
}

/* What the row becomes when a statement of this age, with this word, commits: last_seen is the time at which the
 * statement began, unless it's later already. An old one leaves it as it is, which is the worst that can come of it. */
inline write(said, since) {
#ifdef MAXIMUM_WORD
    if
    :: said > lastWord -> lastWord = said
    :: else
    fi;
#else
    lastWord = said;
#endif
#ifdef LAST_SEEN_GOES_BACK
    silence = since
#else
    if
    :: since < OLD && since < silence -> silence = since
    :: else
    fi
#endif
}

inline begin(n, said, current) {
    node[n].phase = BEGUN;
    node[n].word = MEANING(said);
    node[n].isOfThisRun = current;
    node[n].snapshotHead = (current || !ONE_RUN -> head : 0)
}

/* An announcement is on the disk before it's reported. */
inline saveBeforeReport() {
    skip;
#ifndef REPORT_UNSAVED
    if
    :: at[applied].announcement > disk -> disk = at[applied].announcement
    :: else
    fi;
#endif
#ifdef FREEZE_SAVED
    if
    :: at[applied].freeze > disk -> disk = at[applied].freeze
    :: else
    fi
#endif
}

/* A renewal that waits for a revision takes effect. */
inline renewWhereApplied() {
#ifdef LIFT_EARLY
    if
    :: pendingLeft > 0 ->
#else
    if
    :: pendingLeft > 0 && applied >= pendingHead ->
#endif
        if
        :: pendingLeft > lease -> lease = pendingLeft
        :: else
        fi;
#ifdef REACH
        hadLease = 1;
#endif
        pendingLeft = 0;
        pendingHead = 0
    :: else
    fi
}

inline commit(n) {
    write(node[n].word, node[n].age);
    node[n].phase = COMMITTED;
    node[n].word = 0;
    if
#ifndef SLOW_STATEMENT
    :: node[n].age > STATEMENT_LIMIT -> forgetStatement(n)
#endif
    :: ONE_RUN && !node[n].isOfThisRun -> forgetStatement(n)
    :: else
    fi;
    printf("node %d's statement commits: the last word is %d, last seen %d ticks ago\n", n, lastWord, silence)
}

inline renew(toHead, left) {
    pendingHead = toHead;
    pendingLeft = left;
    renewWhereApplied();
    if
    :: pendingLeft > 0 -> printf("the copy gets an answer, and waits for revision %d to renew\n", pendingHead)
    :: else -> printf("the copy gets an answer: its lease lasts %d ticks, by a right clock\n", lease - 1)
    fi
}

#ifdef DELAYS
inline granted(n) {
    node[n].grantHead = node[n].snapshotHead;
    node[n].grantLeft = LEASE + 1;
    forgetStatement(n);
    printf("node %d has its statement's answer: it may grant by it\n", n)
}

/* A node's answer, on top of its last statement: the lease counts from when the report was sent. */
inline reply(n) {
    answerHead = node[n].grantHead;
#ifdef FROM_ANSWER
    answerLeft = node[n].grantLeft + DRIFT;
#else
    answerLeft = node[n].grantLeft - reportAge + DRIFT;
#endif
    printf("node %d answers the report of %d ticks ago: a lease of %d ticks\n",
        n, reportAge, node[n].grantLeft - 1)
}
#else
inline granted(n) {
    printf("node %d has its statement's answer, and grants by it\n", n);
#ifdef AGE_FROM_START
    renew(node[n].snapshotHead, LEASE + 1 + DRIFT - node[n].age);
#else
    renew(node[n].snapshotHead, LEASE + 1 + DRIFT);
#endif
    forgetStatement(n)
}
#endif

inline tick() {
    later(lease);
    later(pendingLeft);
    if
    :: pendingLeft == 0 -> pendingHead = 0
    :: else
    fi;
#ifdef DELAYS
#ifndef FROM_ANSWER
    later(answerLeft);
    if
    :: answerLeft == 0 -> answerHead = 0
    :: else
    fi;
#endif
    if
    :: reportSent -> laterUpTo(reportAge, LEASE + 1)
    :: else
    fi;
#endif
    nodeLater(0);
#if NODES > 1
    nodeLater(1);
#endif
    if
    :: at[head].table != MOVED -> laterUpTo(silence, SILENCE)
    :: else -> silence = 0
    fi;
    if
    :: at[head].table == FROZEN -> laterUpTo(sinceFreeze, WAIT)
    :: else
    fi;
    printf("  a tick passes\n")
}

/* A head that the copy has already holds nothing back. */
inline clearHead(n) {
    if
    :: ONE_RUN && node[n].snapshotHead <= applied -> node[n].snapshotHead = 0
    :: else
    fi
}

inline hear(n, said, current) {
    begin(n, said, current);
#ifdef OWN_HEAD
    if
    :: node[n].snapshotHead > 0 -> node[n].snapshotHead = at[head].announcement
    :: else
    fi;
#endif
    if
    :: current -> printf("node %d hears revision %d, and begins a statement at head %d\n", n, said, head)
    :: else -> printf("node %d hears revision %d in a report of before the kill, and begins a statement\n", n, said)
    fi;
    clearHead(n)
}

#ifdef SQLITE
/* One process, whose memory has last_seen. Its statements end at once, or with it. */
inline restart() {
#ifdef DELAYS
    node[0].grantHead = 0;
    node[0].grantLeft = 0;
#endif
    forgetStatement(0);
#ifdef RESTART_FORGETS
    silence = SILENCE;
#else
    silence = 0;
#endif
    printf("the registry is started again\n")
}
#endif

active proctype everything() {
    unsigned i : 2;
    silence = SILENCE;
end:
    do
    /* Steps of the operator, and other writes. */
    :: d_step { head < REVISIONS && at[head].table == SERVE ->
        append(ANNOUNCED, 0);
        at[head].announcement = head;
        printf("revision %d announces the domain's wave\n", head) }
    :: d_step { head < REVISIONS && at[head].table == ANNOUNCED ->
        append(FROZEN, 0);
        at[head].freeze = head;
        sinceFreeze = 0;
        printf("revision %d freezes it\n", head) }
    :: d_step { head < REVISIONS && (at[head].table == ANNOUNCED || at[head].table == FROZEN) ->
        append(SERVE, 1);
        sinceFreeze = 0;
        printf("revision %d thaws it\n", head) }
    :: d_step { head < REVISIONS && at[head].table == FROZEN ->
        append(MOVED, 0);
        sinceFreeze = 0;
        printf("revision %d cuts it over\n", head) }
#if OTHERS > 0
    :: d_step { head < REVISIONS && others < OTHERS ->
        others++;
        append(at[head - 1].table, 0);
        printf("revision %d is about something else\n", head) }
#endif

    /* The copy follows, saves, is killed. */
    :: d_step { applied < head ->
        applied++;
        if
        :: at[applied].thaw && applied > judgedSafe -> judgedSafe = 0
        :: else
        fi;
        renewWhereApplied();
        clearHead(0);
#if NODES > 1
        clearHead(1);
#endif
        printf("the copy applies revision %d\n", applied) }
    :: d_step { disk < applied || lease > 0 || pendingLeft > 0 ->
#ifdef DELAYS
        if
        :: reportSent && MEANING(report) > earlierReport -> earlierReport = report
        :: else
        fi;
        reportSent = 0;
        report = 0;
        reportAge = 0;
        answerHead = 0;
        answerLeft = 0;
#else
        saveBeforeReport();
        if
        :: MEANING(applied) > earlierReport -> earlierReport = applied
        :: else
        fi;
#endif
        applied = disk;
#ifndef LEASE_SURVIVES
        lease = 0;
#endif
        pendingHead = 0;
        pendingLeft = 0;
        i = 0;
        do
        :: i < NODES ->
            if
            :: ONE_RUN ->
#ifdef DELAYS
                node[i].grantHead = 0;
                node[i].grantLeft = 0;
#endif
                grantsNothing(i)
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        printf("the copy is killed, and starts again with its table of revision %d\n", applied) }

    /* Reports, statements, answers. */
#ifdef DELAYS
    :: d_step { !(reportSent && report == applied && reportAge == 0) ->
        saveBeforeReport();
        reportSent = 1;
        report = applied;
        reportAge = 0;
        printf("the copy reports revision %d\n", report) }
    :: d_step { answerLeft > 0 ->
        renew(answerHead, answerLeft);
        answerHead = 0;
        answerLeft = 0 }
    :: d_step { reportSent && node[0].phase == IDLE -> hear(0, report, 1) }
    :: d_step { reportSent && node[0].grantLeft > reportAge -> reply(0) }
#if NODES > 1
    :: d_step { reportSent && node[0].phase != IDLE && node[1].phase == IDLE -> hear(1, report, 1) }
    :: d_step { reportSent && node[1].grantLeft > reportAge -> reply(1) }
#endif
#else
    :: d_step { node[0].phase == IDLE -> saveBeforeReport(); hear(0, applied, 1) }
#if NODES > 1
    :: d_step { node[0].phase != IDLE && node[1].phase == IDLE -> saveBeforeReport(); hear(1, applied, 1) }
#endif
#endif
    :: d_step { earlierReport > 0 && node[0].phase == IDLE -> hear(0, earlierReport, 0); earlierReport = 0 }
    :: d_step { node[0].phase == BEGUN -> commit(0) }
    :: d_step { node[0].phase == COMMITTED -> granted(0) }
#if NODES > 1
    :: d_step { earlierReport > 0 && node[0].phase != IDLE && node[1].phase == IDLE ->
        hear(1, earlierReport, 0); earlierReport = 0 }
    :: d_step { node[1].phase == BEGUN -> commit(1) }
    :: d_step { node[1].phase == COMMITTED -> granted(1) }
#endif
#ifdef SQLITE
    :: d_step { true -> restart() }
#endif

    /* The judge. */
    :: d_step { at[head].table == FROZEN && judgedSafe != at[head].freeze && lastWord >= at[head].freeze ->
        judgedSafe = at[head].freeze;
        printf("the copy is judged to have applied freeze %d\n", judgedSafe) }
    :: d_step { at[head].table == FROZEN && judgedSafe != at[head].freeze && HAS_ANNOUNCEMENT &&
            silence >= SILENCE && sinceFreeze >= WAIT ->
        judgedSafe = at[head].freeze;
#ifdef REACH
        wasFenced = hadLease;
#endif
        printf("the copy is judged to be fenced for freeze %d\n", judgedSafe) }

    /* Two rules that aren't kept, each by a step of its own. */
#ifdef NO_STATEMENT
    :: d_step { at[head].announcement > 0 ->
        printf("a node answers by itself, with the announcement as its head\n");
        renew(at[head].announcement, LEASE + 1 + DRIFT) }
#endif
#ifdef CLOCK_STOPS_IN_SLEEP
    :: d_step { lease > 0 ->
        lease++;
        printf("the copy's machine sleeps, and so does its clock\n");
        tick() }
#endif
    /* What the protocol can't stand. */
#ifdef DATABASE_CLOCK_SET
    :: d_step { silence < SILENCE ->
        silence = SILENCE;
        printf("the database's clock is set forward\n") }
#endif

    /* What must be reachable: a model in which nothing happens keeps every promise. */
#ifdef REACH
    :: d_step { REACHED ->
        printf("reached\n");
        assert(false) }
#endif

    :: d_step { judgedSafe > 0 && LETS_WRITES_THROUGH ->
        printf("the copy lets a write through at the source\n");
        assert(false) }

    :: d_step { true -> tick() }
    od
}
