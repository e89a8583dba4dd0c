// A diagnosis with its evidence, for people and for programs.
//
// Threading: pure.
#pragma once

#include <string>

#include "diagnosis.h"
#include "json_field.h"
#include "observations.h"
#include "peerpulse/base/time.h"

namespace peerpulse::cli {

std::string diagnosisText(const Observations& seen, const Diagnosis& diagnosis, WallTime now);
Json diagnosisJson(const Observations& seen, const Diagnosis& diagnosis);

}  // namespace peerpulse::cli
