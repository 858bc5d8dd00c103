#include "CConsole.h"

// `#embed` for the reason that COpenAPI has. A test compares this list with the folder.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char api_js[] = {
#embed "files/api.js"
};
static const unsigned char app_js[] = {
#embed "files/app.js"
};
static const unsigned char chart_js[] = {
#embed "files/chart.js"
};
static const unsigned char csv_js[] = {
#embed "files/csv.js"
};
static const unsigned char dom_js[] = {
#embed "files/dom.js"
};
static const unsigned char domaindialogs_js[] = {
#embed "files/domaindialogs.js"
};
static const unsigned char drifting_js[] = {
#embed "files/drifting.js"
};
static const unsigned char historyitem_js[] = {
#embed "files/historyitem.js"
};
static const unsigned char i18n_js[] = {
#embed "files/i18n.js"
};
static const unsigned char icon_svg[] = {
#embed "files/icon.svg"
};
static const unsigned char index_html[] = {
#embed "files/index.html"
};
static const unsigned char lists_js[] = {
#embed "files/lists.js"
};
static const unsigned char live_js[] = {
#embed "files/live.js"
};
static const unsigned char livetable_js[] = {
#embed "files/livetable.js"
};
static const unsigned char names_js[] = {
#embed "files/names.js"
};
static const unsigned char pages_agents_js[] = {
#embed "files/pages/agents.js"
};
static const unsigned char pages_domain_js[] = {
#embed "files/pages/domain.js"
};
static const unsigned char pages_domains_js[] = {
#embed "files/pages/domains.js"
};
static const unsigned char pages_drift_js[] = {
#embed "files/pages/drift.js"
};
static const unsigned char pages_history_js[] = {
#embed "files/pages/history.js"
};
static const unsigned char pages_locations_js[] = {
#embed "files/pages/locations.js"
};
static const unsigned char pages_migration_js[] = {
#embed "files/pages/migration.js"
};
static const unsigned char pages_migrations_js[] = {
#embed "files/pages/migrations.js"
};
static const unsigned char pages_overview_js[] = {
#embed "files/pages/overview.js"
};
static const unsigned char pages_plan_js[] = {
#embed "files/pages/plan.js"
};
static const unsigned char pages_tenant_js[] = {
#embed "files/pages/tenant.js"
};
static const unsigned char pages_tokens_js[] = {
#embed "files/pages/tokens.js"
};
static const unsigned char pagestate_js[] = {
#embed "files/pagestate.js"
};
static const unsigned char steps_js[] = {
#embed "files/steps.js"
};
static const unsigned char style_css[] = {
#embed "files/style.css"
};
static const unsigned char texts_agents_js[] = {
#embed "files/texts/agents.js"
};
static const unsigned char texts_common_js[] = {
#embed "files/texts/common.js"
};
static const unsigned char texts_domain_js[] = {
#embed "files/texts/domain.js"
};
static const unsigned char texts_domaindialogs_js[] = {
#embed "files/texts/domaindialogs.js"
};
static const unsigned char texts_domains_js[] = {
#embed "files/texts/domains.js"
};
static const unsigned char texts_drift_js[] = {
#embed "files/texts/drift.js"
};
static const unsigned char texts_history_js[] = {
#embed "files/texts/history.js"
};
static const unsigned char texts_historyitem_js[] = {
#embed "files/texts/historyitem.js"
};
static const unsigned char texts_locations_js[] = {
#embed "files/texts/locations.js"
};
static const unsigned char texts_migration_js[] = {
#embed "files/texts/migration.js"
};
static const unsigned char texts_migrations_js[] = {
#embed "files/texts/migrations.js"
};
static const unsigned char texts_overview_js[] = {
#embed "files/texts/overview.js"
};
static const unsigned char texts_plan_js[] = {
#embed "files/texts/plan.js"
};
static const unsigned char texts_problems_js[] = {
#embed "files/texts/problems.js"
};
static const unsigned char texts_steps_js[] = {
#embed "files/texts/steps.js"
};
static const unsigned char texts_tenant_js[] = {
#embed "files/texts/tenant.js"
};
static const unsigned char texts_tokens_js[] = {
#embed "files/texts/tokens.js"
};
static const unsigned char texts_waves_js[] = {
#embed "files/texts/waves.js"
};
static const unsigned char ui_js[] = {
#embed "files/ui.js"
};
static const unsigned char waves_js[] = {
#embed "files/waves.js"
};

#define FILE(path, name) {path, name, sizeof name}

static const struct console_file files[] = {
    FILE("api.js", api_js),
    FILE("app.js", app_js),
    FILE("chart.js", chart_js),
    FILE("csv.js", csv_js),
    FILE("dom.js", dom_js),
    FILE("domaindialogs.js", domaindialogs_js),
    FILE("drifting.js", drifting_js),
    FILE("historyitem.js", historyitem_js),
    FILE("i18n.js", i18n_js),
    FILE("icon.svg", icon_svg),
    FILE("index.html", index_html),
    FILE("lists.js", lists_js),
    FILE("live.js", live_js),
    FILE("livetable.js", livetable_js),
    FILE("names.js", names_js),
    FILE("pages/agents.js", pages_agents_js),
    FILE("pages/domain.js", pages_domain_js),
    FILE("pages/domains.js", pages_domains_js),
    FILE("pages/drift.js", pages_drift_js),
    FILE("pages/history.js", pages_history_js),
    FILE("pages/locations.js", pages_locations_js),
    FILE("pages/migration.js", pages_migration_js),
    FILE("pages/migrations.js", pages_migrations_js),
    FILE("pages/overview.js", pages_overview_js),
    FILE("pages/plan.js", pages_plan_js),
    FILE("pages/tenant.js", pages_tenant_js),
    FILE("pages/tokens.js", pages_tokens_js),
    FILE("pagestate.js", pagestate_js),
    FILE("steps.js", steps_js),
    FILE("style.css", style_css),
    FILE("texts/agents.js", texts_agents_js),
    FILE("texts/common.js", texts_common_js),
    FILE("texts/domain.js", texts_domain_js),
    FILE("texts/domaindialogs.js", texts_domaindialogs_js),
    FILE("texts/domains.js", texts_domains_js),
    FILE("texts/drift.js", texts_drift_js),
    FILE("texts/history.js", texts_history_js),
    FILE("texts/historyitem.js", texts_historyitem_js),
    FILE("texts/locations.js", texts_locations_js),
    FILE("texts/migration.js", texts_migration_js),
    FILE("texts/migrations.js", texts_migrations_js),
    FILE("texts/overview.js", texts_overview_js),
    FILE("texts/plan.js", texts_plan_js),
    FILE("texts/problems.js", texts_problems_js),
    FILE("texts/steps.js", texts_steps_js),
    FILE("texts/tenant.js", texts_tenant_js),
    FILE("texts/tokens.js", texts_tokens_js),
    FILE("texts/waves.js", texts_waves_js),
    FILE("ui.js", ui_js),
    FILE("waves.js", waves_js),
};

const struct console_file *console_files(void) { return files; }

unsigned long console_file_count(void) { return sizeof files / sizeof files[0]; }
