"""Who is where, in the network of the rehearsal's own: every address and every port there is free."""
ZONE = "kintone.com"
# The parent zone's server, the old and the new name server of ours, and the visitors' resolver, at port 53.
PARENT, OLD, NEW, RESOLVER = (f"127.0.53.{number}" for number in range(1, 5))
# BIND tells at its port 8053 how often it was asked. It listens only at addresses that an interface has by name.
OF_BIND = (PARENT, OLD)
# At port 80; the new one's second address is for whoever lives in aws.
OLD_BALANCER, NEW_BALANCER, CLOUD = (f"127.0.80.{number}" for number in range(1, 4))
# nginx at port 8000, its agent at port 8090.
PROXIES = {"nginx-a": "agent-a", "nginx-b": "agent-b"}
PROXY_ADDRESS = {"nginx-a": "127.0.81.1", "nginx-b": "127.0.81.2"}
AGENT_ADDRESS = {"agent-a": "127.0.71.1", "agent-b": "127.0.71.2"}
# The registry's nodes, at port 8080, and their database.
NODES = ("127.0.70.1", "127.0.70.2")
DATABASE = "127.0.60.1"
# The applications: visitors at port 9000, whoever copies data at port 9001.
PLACES = {"japan": "127.0.90.1", "aws": "127.0.90.2"}
