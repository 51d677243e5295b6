-- For wrk: all paths in turn, each as a client of its kind asks for it; and one that is not there.
local requests = {}
local function add(path, accept)
   requests[#requests + 1] = "GET " .. path .. " HTTP/1.1\r\nHost: flood\r\nAccept: " .. accept .. "\r\n\r\n"
end
add("/health/live/", "*/*")
add("/health/ready/", "*/*")
add("/health/", "*/*")
add("/health/", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
add("/health/self/", "*/*")
add("/health/started/", "application/health+json")
add("/health/ready/default/", "*/*")
add("/metrics", "text/plain")
add("/metrics", "application/openmetrics-text;version=1.0.0")
add("/no/such/page", "*/*")

local turn = 0
function request()
   turn = turn % #requests + 1
   return requests[turn]
end
