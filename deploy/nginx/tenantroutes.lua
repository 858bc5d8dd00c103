-- Where a host lives, from the file that an agent shares (agent --share): libtenantroutes by LuaJIT's FFI.
--
-- Each worker opens the file with its first request, and follows it by itself when the agent puts another one in its place.
-- The master process has none: it looks nothing up, and would keep old files for good. A lookup takes well below a microsecond, and asks nobody.
local ffi = require("ffi")

ffi.cdef([[
typedef struct tr_routes tr_routes;
typedef struct {
    uint64_t revision;
    int32_t mode;
    int32_t fenced;
    char location[64];
    char upstream[2056];
} tr_answer;
int tr_open(const char *path, tr_routes **routes);
int tr_find(tr_routes *routes, const char *host, size_t octets, tr_answer *answer);
]])

local FOUND, UNKNOWN = 1, 2
local modes = { [0] = "serve", [1] = "read_only", [2] = "reject" }
-- One request is looked up at a time: nothing waits between a lookup and its end.
local answer = ffi.new("tr_answer")
local opened = ffi.new("tr_routes *[1]")

local routes = {}
local library, file, handle

-- path: of the shared file. so: of the library, or its name alone.
function routes.setup(path, so)
    library, file = ffi.load(so or "libtenantroutes.so.1"), path
end

function routes.open()
    if not handle and library.tr_open(file, opened) == 0 then
        handle = opened[0]
    end
    return handle
end

-- Returns the location and the mode ("serve", "read_only", "reject"); nil and "unknown" where nobody lives; nil alone where
-- there's nothing to look into yet.
function routes.find(host)
    if not routes.open() then
        return nil
    end
    local found = library.tr_find(handle, host, #host, answer)
    if found == FOUND then
        return ffi.string(answer.location), modes[answer.mode] or "reject"
    end
    return nil, found == UNKNOWN and "unknown" or nil
end

local reading = { GET = true, HEAD = true, OPTIONS = true }

-- Where this request goes: a location, with its mode in $tenant_mode; or why it goes nowhere, which begins with a slash, as no
-- location does. For set_by_lua, which takes the least: it makes no coroutine.
function routes.choose()
    local var = ngx.var
    local location, mode = routes.find(var.host)
    if not location then
        return mode and "/nobody" or "/not-ready"
    end
    -- In a freeze whoever asks for an upgrade is about to write, though it be a GET.
    if mode ~= "serve"
        and (mode ~= "read_only" or not reading[var.request_method] or (var.http_upgrade or "") ~= "") then
        return "/moving"
    end
    var.tenant_mode = mode
    return location
end

return routes
