/* What a simulation is to be. */
#include "simulation/plan.h"

#include "simulation/random.h"

/* Mostly small, sometimes just before they wrap (RFC 1982). */
static uint32_t serial_start(random_source *source)
{
    switch (random_below(source, 3)) {
    case 0:
        return 0;
    case 1:
        return 0u - random_below(source, 40);
    default:
        return (uint32_t)random_next(source);
    }
}

static void plan_end(end_plan *end, random_source *source)
{
    static const uint32_t frame_sizes[] = {512, 512, 600, 1024, 4096, 65536};
    end->frame_size = frame_sizes[random_below(source, 6)];
    end->input_slab_size = end->frame_size * random_between(source, 1, 8);
    end->idle_timeout_ms = random_chance(source, 500) ? random_between(source, 10000, 40000) : 0;
    end->window =
        random_chance(source, 500) ? random_between(source, 1, 8) : random_between(source, 8, 2048);
    end->first_transfer_id = serial_start(source);
    end->unsettled_max = random_chance(source, 300) ? random_between(source, 1, 10) : 10000;
    end->output_size = random_chance(source, 300) ? 4096 : 65536;
    end->retained_size = random_chance(source, 200) ? 1048576 : 4194304;
    end->partial_size = 262144;
    end->forgets = random_chance(source, 400);
}

static void plan_route(route_plan *route, const simulation_plan *plan, random_source *source)
{
    static const uint32_t sizes[] = {0, 20, 100, 600, 3000, 12000};
    route->sender = random_below(source, ENDS);
    route->initiator = random_below(source, ENDS);
    route->session = random_below(source, plan->session_count);
    route->snd_settle_mode = (uint8_t)random_below(source, 3);
    route->rcv_settle_mode = (uint8_t)random_below(source, 2);
    route->streaming = random_chance(source, 250);
    route->size_max = sizes[random_below(source, 6)];
    /* A message of fewer bytes than its number, or whose first piece is one, is known by its tag.
     */
    route->own_tags = route->streaming || random_chance(source, 700);
    route->prefetch = random_chance(source, 500) ? random_between(source, 1, 50) : 0;
    route->initial_delivery_count = serial_start(source);
}

static void plan_faults(simulation_plan *plan, random_source *source, const plan_limits *limits)
{
    fault_plan *faults = &plan->faults;
    faults->hostile = NOBODY;
    faults->delay_max_ms = random_chance(source, 700) ? random_between(source, 1, 60) : 0;
    uint32_t kind = random_below(source, 100);
    if (limits->no_faults || kind < 25) {
        return;
    }
    faults->stall = random_chance(source, 500) ? random_below(source, 20) : 0;
    if (!limits->no_hostility && kind < 40) {
        faults->hostile = random_below(source, ENDS);
        faults->mutation = random_between(source, 1, 200);
    }
    if (!limits->no_allocations && kind >= 35 && kind < 60) {
        faults->allocation = random_between(source, 1, 60);
        plan->short_of_memory = true;
    }
    if (kind >= 50) {
        faults->cut = random_between(source, 1, 15);
        faults->half_open = random_chance(source, 400) ? random_between(source, 1, 6) : 0;
    }
    if (faults->half_open > 0) { /* somebody has to notice */
        plan->ends[0].idle_timeout_ms = 10000;
        plan->ends[1].idle_timeout_ms = 10000;
    }
}

static void plan_life(simulation_plan *plan, random_source *source, const plan_limits *limits)
{
    life_plan *life = &plan->life;
    life->drain = random_chance(source, 500) ? random_below(source, 30) : 0;
    life->withdraw = random_chance(source, 300) ? random_below(source, 30) : 0;
    life->echo = random_chance(source, 300) ? random_below(source, 40) : 0;
    life->abort = random_chance(source, 300) ? random_below(source, 200) : 0;
    life->forget = random_chance(source, 200) ? random_below(source, 50) : 0;
    life->close_link = random_chance(source, 300) ? random_below(source, 10) : 0;
    if (!limits->no_recovery) {
        life->suspend = random_chance(source, 400) ? random_below(source, 15) : 0;
        life->end_session = random_chance(source, 300) ? random_below(source, 8) : 0;
    }
}

void simulation_plan_make(simulation_plan *plan, uint64_t seed, const plan_limits *limits)
{
    random_source source = random_source_make(seed, 1);
    *plan = (simulation_plan){.seed = seed};
    plan->turns = random_between(&source, 50, 1500);
    static const sasl_kind sasl[] = {SASL_KIND_NONE, SASL_KIND_ANONYMOUS, SASL_KIND_PLAIN};
    plan->sasl = random_chance(&source, 20) ? SASL_KIND_SCRAM : sasl[random_below(&source, 3)];
    plan->eager = random_chance(&source, 500);
    plan->recovers = random_chance(&source, 800) && !limits->no_recovery;
    plan->quiet = random_chance(&source, 250);
    plan->session_count = random_between(&source, 1, SESSIONS_MAX);
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        plan->session_initiator[i] = random_below(&source, ENDS);
    }
    for (unsigned i = 0; i < ENDS; i++) {
        plan_end(&plan->ends[i], &source);
    }
    plan->route_count = random_between(&source, 1, ROUTES_MAX);
    for (unsigned i = 0; i < plan->route_count; i++) {
        plan_route(&plan->routes[i], plan, &source);
    }
    plan_faults(plan, &source, limits);
    plan_life(plan, &source, limits);
}
