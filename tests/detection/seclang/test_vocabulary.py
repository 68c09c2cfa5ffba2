"""The tables hold every word of the engines whose rules are to load, and agree with what is there."""

import pytest

from revproxy.detection.operators import OPERATORS as COMPILED
from revproxy.detection.seclang import vocabulary
from revproxy.detection.seclang.vocabulary import ACTIONS, CTL, DIRECTIVES, OPERATORS, VARIABLES, Form, Keys, Status
from revproxy.detection.seclang.vocabulary.actions import COLLECTIONS, NO_TRANSFORMATIONS, SEVERITIES
from revproxy.detection.seclang.vocabulary.variables import SAME, WRITABLE
from revproxy.detection.transformations import TRANSFORMATIONS

FROM_FILES = {"pmfromfile", "ipmatchfromfile", "pmfromdataset", "ipmatchfromdataset"}
"""Lowered to the operators that take their words."""

CORAZA_DIRECTIVES = """
    Include SecAction SecArgumentSeparator SecArgumentsLimit SecAuditEngine SecAuditLog SecAuditLogDir
    SecAuditLogDirMode SecAuditLogFileMode SecAuditLogFormat SecAuditLogParts SecAuditLogRelevantStatus
    SecAuditLogType SecCollectionTimeout SecComponentSignature SecConnEngine SecConnReadStateLimit
    SecConnWriteStateLimit SecCookieFormat SecDataDir SecDataset SecDebugLog SecDebugLogLevel SecDefaultAction
    SecGsbLookupDb SecHTTPBlKey SecHashEngine SecHashKey SecHashMethodPm SecHashMethodRx SecHashParam
    SecIgnoreRuleCompilationErrors SecMarker SecPcreMatchLimit SecPcreMatchLimitRecursion SecRemoteRules
    SecRemoteRulesFailAction SecRequestBodyAccess SecRequestBodyInMemoryLimit SecRequestBodyJsonDepthLimit
    SecRequestBodyLimit SecRequestBodyLimitAction SecRequestBodyNoFilesLimit SecResponseBodyAccess
    SecResponseBodyLimit SecResponseBodyLimitAction SecResponseBodyMimeType SecResponseBodyMimeTypesClear SecRule
    SecRuleEngine SecRulePerfTime SecRuleRemoveByID SecRuleRemoveByMsg SecRuleRemoveByTag SecRuleScript
    SecRuleUpdateActionByID SecRuleUpdateTargetByID SecRuleUpdateTargetByMsg SecRuleUpdateTargetByTag SecRxPreFilter
    SecSensorID SecServerSignature SecTmpDir SecUnicodeMap SecUploadDir SecUploadFileLimit SecUploadFileMode
    SecUploadKeepFiles SecWebAppID
"""
MODSECURITY_DIRECTIVES = """
    SecAuditLog2 SecAuditLogStorageDir SecCacheTransformations SecChrootDir SecContentInjection SecCookieV0Separator
    SecDisableBackendCompression SecGeoLookupDb SecGuardianLog SecHttpBlKey SecInterceptOnError SecParseXmlIntoArgs
    SecReadStateLimit SecRuleInheritance SecStatusEngine SecStreamInBodyInspection SecStreamOutBodyInspection
    SecTmpSaveUploadedFiles SecUnicodeMapFile SecWriteStateLimit SecXmlExternalEntity
"""
MODSECURITY_ACTIONS = """
    accuracy allow append auditlog block capture chain ctl deny deprecatevar drop exec expirevar id initcol log
    logdata maturity msg multiMatch noauditlog nolog pass pause phase prepend proxy redirect rev sanitiseArg
    sanitiseMatched sanitiseMatchedBytes sanitiseRequestHeader sanitiseResponseHeader setenv setrsc setsid
    setuid setvar severity skip skipAfter status t tag ver xmlns
"""
MODSECURITY_OPERATORS = """
    beginsWith contains containsWord detectSQLi detectXSS endsWith eq fuzzyHash ge geoLookup gsbLookup gt inspectFile
    ipMatch ipMatchF ipMatchFromFile le lt noMatch pm pmFromFile pmf rbl rsub rx rxGlobal streq strmatch
    unconditionalMatch validateByteRange validateDTD validateHash validateSchema validateUrlEncoding
    validateUtf8Encoding verifyCC verifyCPF verifySSN verifySVNR within
    ipMatchFromDataset pmFromDataset restpath validateNid
"""
CTL_OPTIONS = """
    auditEngine auditLogParts debugLogLevel forceRequestBodyVariable forceResponseBodyVariable hashEnforcement
    hashEngine parseXmlIntoArgs requestBodyAccess requestBodyLimit requestBodyProcessor responseBodyAccess
    responseBodyLimit responseBodyProcessor ruleEngine ruleRemoveById ruleRemoveByMsg ruleRemoveByTag
    ruleRemoveTargetById ruleRemoveTargetByMsg ruleRemoveTargetByTag
"""
OTHER_VARIABLES = "ARGS_PATH ENV GEO GLOBAL IP RESOURCE SESSION SESSIONID USER USERID WEBAPPID WEBSERVER_ERROR_LOG"


@pytest.mark.parametrize(
    ("words", "table"),
    [
        (CORAZA_DIRECTIVES + MODSECURITY_DIRECTIVES, DIRECTIVES),
        (MODSECURITY_ACTIONS, ACTIONS),
        (MODSECURITY_OPERATORS, OPERATORS),
        (CTL_OPTIONS, CTL),
    ],
)
def test_every_word_is_there(words, table):
    assert not [word for word in words.split() if word.lower() not in table]


def test_every_variable_is_there():
    assert not [name for name in OTHER_VARIABLES.split() if name not in VARIABLES]
    assert len(VARIABLES) > 120
    assert all(name == name.upper() == spec.name for name, spec in VARIABLES.items())
    assert all(other not in VARIABLES and name in VARIABLES for other, name in SAME.items())


@pytest.mark.parametrize("table", [DIRECTIVES, ACTIONS, OPERATORS, CTL])
def test_tables_are_keyed_by_lower_case(table):
    assert all(key == key.lower() for key in table)


@pytest.mark.parametrize("table", [DIRECTIVES, ACTIONS, OPERATORS, CTL, VARIABLES])
def test_whatever_is_not_honoured_says_why(table):
    for spec in table.values():
        silent = spec.status in (Status.HONOURED, Status.PERSISTENT)
        assert bool(spec.why) != silent, spec.name


def test_honoured_operators_exist():
    for name, spec in OPERATORS.items():
        if spec.status is Status.HONOURED:
            assert spec.name in COMPILED or spec.name.lower() in FROM_FILES, name
        else:
            assert spec.name not in COMPILED, name


def test_left_out_transformations_are_left_out():
    known = {name.lower() for name in TRANSFORMATIONS}
    assert not known.intersection(NO_TRANSFORMATIONS)


def test_collections():
    assert set(COLLECTIONS) | {"TX"} == set(WRITABLE)
    assert all(VARIABLES[name].keys is Keys.KEYS for name in WRITABLE)
    assert {VARIABLES[name].status for name in COLLECTIONS} == {Status.PERSISTENT}


def test_severities():
    assert SEVERITIES["emergency"] == SEVERITIES["0"] == 0
    assert SEVERITIES["critical"] == 2
    assert SEVERITIES["debug"] == SEVERITIES["7"] == 7


def test_fixed_directives_name_their_values():
    for spec in DIRECTIVES.values():
        assert bool(spec.only) == (spec.status is Status.FIXED)
        assert spec.status is not Status.FIXED or spec.form is Form.TEXT


def test_the_room_lists_its_names():
    assert all(hasattr(vocabulary, name) for name in vocabulary.__all__)
