-- Where a host lives, from the file that an agent shares (agent --share), whose path is in TENANT_ROUTES: a converter,
-- `lua.placement`, that makes of a host the word that the registry's map has for it, `location:mode`. It makes `/nobody` of a
-- host that is nobody's, and `/not-ready` where there's nothing to look into yet: no location's name begins with a slash.
--
-- It's the module's own C function, so no Lua runs for a request. The path comes by the environment, for HAProxy gives
-- scripts their arguments from 2.7 on only.
local tenantroutes = require("tenantroutes")
core.register_converters("placement", tenantroutes.placement(os.getenv("TENANT_ROUTES")))
