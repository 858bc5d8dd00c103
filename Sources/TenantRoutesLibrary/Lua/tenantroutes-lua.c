/*
 * libtenantroutes for Lua 5.3 and 5.4: where a host lives, from the file that an agent shares. HAProxy loads it.
 *
 *     local tenantroutes = require("tenantroutes")
 *     local routes, why = tenantroutes.open("/run/tenant-registry/routes")
 *     local location, upstream, mode, fenced, revision = routes:find("acme.kintone.com")
 *     local state = routes:status()
 *
 * What there isn't comes as nil and a word that says why: "unknown", "not ready", "absent", "invalid", "version".
 * A lookup allocates nothing but the strings that Lua makes of what it returns. The library is linked into the module, and
 * the functions of Lua are the program's own that loads it.
 */
#include <lua.h>
#include <lauxlib.h>
#include <string.h>

#include "tenantroutes.h"

#define ROUTES "tenantroutes"

/* A location's name never begins with a slash, so these are no location's word. */
#define NOBODY "/nobody"
#define NOT_READY "/not-ready"

typedef struct {
    tr_routes *routes;
} handle;

static const char *reason(int code) {
    switch (code) {
    case TR_UNKNOWN:
        return "unknown";
    case TR_NOT_READY:
        return "not ready";
    case TR_INVALID:
        return "invalid";
    case TR_VERSION:
        return "version";
    default:
        return "absent";
    }
}

/* A mode that this module doesn't know lets nobody in. */
static const char *mode_name(int mode) {
    switch (mode) {
    case TR_SERVE:
        return "serve";
    case TR_READ_ONLY:
        return "read_only";
    default:
        return "reject";
    }
}

static int nothing(lua_State *lua, int code) {
    lua_pushnil(lua);
    lua_pushstring(lua, reason(code));
    return 2;
}

/* Lua frees what has a metatable, also where it runs out of memory in the next line: that's why it's made before the file
   is opened. */
static handle *new_handle(lua_State *lua) {
    handle *made = lua_newuserdata(lua, sizeof(handle));
    made->routes = NULL;
    luaL_setmetatable(lua, ROUTES);
    return made;
}

static tr_routes *checked(lua_State *lua) {
    handle *own = luaL_checkudata(lua, 1, ROUTES);
    if (own->routes == NULL) {
        luaL_argerror(lua, 1, "the routes are closed");
    }
    return own->routes;
}

static int open_routes(lua_State *lua) {
    const char *path = luaL_checkstring(lua, 1);
    handle *made = new_handle(lua);
    int code = tr_open(path, &made->routes);
    return code == TR_OK ? 1 : nothing(lua, code);
}

static int close_routes(lua_State *lua) {
    handle *own = luaL_checkudata(lua, 1, ROUTES);
    tr_close(own->routes);
    own->routes = NULL;
    return 0;
}

static int find(lua_State *lua) {
    tr_routes *routes = checked(lua);
    size_t octets;
    const char *host = luaL_checklstring(lua, 2, &octets);
    tr_answer answer;
    int code = tr_find(routes, host, octets, &answer);
    if (code != TR_FOUND) {
        return nothing(lua, code);
    }
    lua_pushstring(lua, answer.location);
    lua_pushstring(lua, answer.upstream);
    lua_pushstring(lua, mode_name(answer.mode));
    lua_pushboolean(lua, answer.fenced);
    lua_pushinteger(lua, (lua_Integer)answer.revision);
    return 5;
}

static int status(lua_State *lua) {
    tr_state state;
    int code = tr_status(checked(lua), &state);
    if (code != TR_OK) {
        return nothing(lua, code);
    }
    lua_createtable(lua, 0, 4);
    lua_pushstring(lua, state.epoch);
    lua_setfield(lua, -2, "epoch");
    lua_pushinteger(lua, (lua_Integer)state.revision);
    lua_setfield(lua, -2, "revision");
    lua_pushinteger(lua, (lua_Integer)state.domains);
    lua_setfield(lua, -2, "domains");
    lua_pushinteger(lua, (lua_Integer)state.heard_ms);
    lua_setfield(lua, -2, "heard_ms");
    return 1;
}

/*
 * One word for a host: `japan:serve`, as the registry's map has it. The words that are no place are for the caller to tell
 * apart from one another, and from no word at all, which is what HAProxy gets where Lua itself fails.
 */
static int find_placement(lua_State *lua) {
    handle *own = lua_touserdata(lua, lua_upvalueindex(1));
    size_t octets;
    const char *host = luaL_checklstring(lua, 1, &octets);
    /* Until there's a file each lookup tries, by the process and in the root that will follow it: a program that opened it
       before its chroot would go on with that one file for good. */
    if (own->routes == NULL && tr_open(lua_tostring(lua, lua_upvalueindex(2)), &own->routes) != TR_OK) {
        lua_pushliteral(lua, NOT_READY);
        return 1;
    }
    tr_answer answer;
    switch (tr_find(own->routes, host, octets, &answer)) {
    case TR_FOUND: {
        char word[TR_LOCATION_SIZE + 16];
        const char *mode = mode_name(answer.mode);
        size_t location_length = strlen(answer.location);
        size_t mode_length = strlen(mode);
        memcpy(word, answer.location, location_length);
        word[location_length] = ':';
        memcpy(word + location_length + 1, mode, mode_length);
        lua_pushlstring(lua, word, location_length + 1 + mode_length);
        return 1;
    }
    case TR_UNKNOWN:
        lua_pushliteral(lua, NOBODY);
        return 1;
    default:
        lua_pushliteral(lua, NOT_READY);
        return 1;
    }
}

/* A function that returns the word of a host. It opens the file with the first lookup that finds one. */
static int placement(lua_State *lua) {
    luaL_checkstring(lua, 1);
    lua_settop(lua, 1);
    new_handle(lua);
    lua_insert(lua, 1);
    lua_pushcclosure(lua, find_placement, 2);
    return 1;
}

static const luaL_Reg methods[] = {
    {"find", find}, {"status", status}, {"close", close_routes}, {"__gc", close_routes}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"open", open_routes}, {"placement", placement}, {NULL, NULL},
};

/* The only symbol that is shown. */
__attribute__((visibility("default"))) int luaopen_tenantroutes(lua_State *lua) {
    luaL_newmetatable(lua, ROUTES);
    luaL_setfuncs(lua, methods, 0);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -2, "__index");
    luaL_newlib(lua, functions);
    return 1;
}
