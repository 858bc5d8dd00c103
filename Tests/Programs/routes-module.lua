-- Says what the Lua module says of hosts: routes-module.lua FILE HOST… A line each, and the state's before them.
local tenantroutes = require("tenantroutes")
local path, hosts = arg[1], table.move(arg, 2, #arg, 1, {})

local function say(...)
    local words = table.pack(...)
    for place = 1, words.n do
        words[place] = tostring(words[place])
    end
    print(table.concat(words, " "))
end

local placement = tenantroutes.placement(path)
local routes, why = tenantroutes.open(path)
if not routes then
    say(routes, why, placement(hosts[1]))
    return
end
local state = routes:status()
if state then
    say(state.epoch, state.revision, state.domains, state.heard_ms < 60000)
else
    say(routes:status())
end
for _, host in ipairs(hosts) do
    say(placement(host), routes:find(host))
end

-- What a script may do wrong is an error of the script's. A handle that was closed, or is collected twice, is no handle.
assert(not pcall(routes.find, {}, "a.b") and not pcall(routes.find, routes) and not pcall(placement))
assert(not pcall(tenantroutes.placement) and not pcall(tenantroutes.open))
routes:close()
routes:close()
assert(not pcall(routes.find, routes, hosts[1]) and not pcall(routes.status, routes))
-- Handles that nobody keeps are closed: the system allows some 65,000 mappings.
for _ = 1, 100000 do
    assert(tenantroutes.open(path))
end

-- A lookup leaves nothing behind but its word, and this one is there already.
local word = placement(hosts[1])
collectgarbage()
collectgarbage("stop")
local before = collectgarbage("count")
for _ = 1, 1000 do
    assert(placement(hosts[1]) == word)
end
assert(collectgarbage("count") == before)
