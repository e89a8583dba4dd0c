#include "handlers.h"

namespace peerpulse::admin {

namespace {

// Everything it shows is set as text, never as markup.
constexpr const char* kPage = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>peerpulse</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid #8884; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.alive { color: #0a7d33; } .dead, .refusing { color: #c4161c; font-weight: 600; }
.suspect, .stalled { color: #b36b00; } .unknown, small { color: #777; }
#error { color: #c4161c; }
</style>
</head>
<body>
<h1>peerpulse <small id="node"></small></h1>
<p id="cluster"></p>
<p id="error" role="alert"></p>
<table>
<thead><tr><th>Peer</th><th>Address</th><th>Verdict</th><th>Score</th><th>Circuit</th><th>Reason</th><th>Since</th>
<th>RTT p50</th><th>In flight</th><th>Requests</th><th>Failed fast</th></tr></thead>
<tbody id="peers"></tbody>
</table>
<p><small>Raw: <a href="/peers">/peers</a> <a href="/cluster">/cluster</a> <a href="/events?history=1">/events</a>
<a href="/metrics">/metrics</a> <a href="/config">/config</a> <a href="/livez">/livez</a> <a href="/readyz">/readyz</a></small></p>
<script>
"use strict";
const byId = (id) => document.getElementById(id);
function cell(row, text, name) {
  const td = row.insertCell();
  td.textContent = text;
  if (name) td.className = name;
}
async function read(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(path + ": " + answer.status);
  return answer.json();
}
async function refresh() {
  try {
    const [all, cluster] = await Promise.all([read("/peers"), read("/cluster")]);
    byId("node").textContent = all.node + (all.local_health === "ok" ? "" : " (" + all.local_health + ")");
    byId("cluster").textContent = cluster.status + ": " + cluster.online + " of " + cluster.size +
      " nodes online, quorum " + cluster.quorum;
    const body = document.createElement("tbody");
    body.id = "peers";
    for (const peer of all.peers) {
      const row = body.insertRow();
      cell(row, peer.name);
      cell(row, peer.address);
      cell(row, peer.verdict, peer.verdict);
      cell(row, peer.score.toFixed(2), "n");
      cell(row, peer.circuit + (peer.overridden ? " (operator)" : ""));
      cell(row, peer.reason);
      cell(row, new Date(peer.since).toLocaleString());
      cell(row, peer.rtt_us.p50 ? peer.rtt_us.p50 + " us" : "", "n");
      cell(row, peer.in_flight, "n");
      cell(row, peer.requests_total, "n");
      cell(row, peer.fast_failures_total, "n");
    }
    byId("peers").replaceWith(body);
    byId("error").textContent = "";
  } catch (failure) {
    byId("error").textContent = "No answer from peerpulse: " + failure.message;
  }
  setTimeout(refresh, 1000);
}
refresh();
</script>
</body>
</html>
)html";

}  // namespace

Response handleIndex(const Context&, const Request&) {
  Response page{.contentType = "text/html; charset=utf-8", .body = kPage};
  page.headers.emplace_back("content-security-policy",
                            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  return page;
}

}  // namespace peerpulse::admin
