"""moto_server with the one call of Athena that moto lacks and athena_query_history makes.

moto 5.2.5 knows GetQueryExecution and not BatchGetQueryExecution. Here the second answers for each id
what moto itself answers for the first. Everything else is moto's own: the queries, who may ask, how the
request is read. scripts/moto/queries.py has boto3 read the added answer too.
"""

import json

from moto.athena.responses import AthenaResponse
from moto.server import main


def batch_get_query_execution(self):
    known, unknown = [], []
    for wanted in self._get_param("QueryExecutionIds"):
        if wanted not in self.athena_backend.executions:
            unknown.append({"QueryExecutionId": wanted, "ErrorCode": "INVALID_QUERY_EXECUTION_ID"})
            continue
        self.body = json.dumps({"QueryExecutionId": wanted})
        known.append(json.loads(self.get_query_execution())["QueryExecution"])
    return json.dumps({"QueryExecutions": known, "UnprocessedQueryExecutionIds": unknown})


if __name__ == "__main__":
    if hasattr(AthenaResponse, "batch_get_query_execution"):
        raise SystemExit("this moto has BatchGetQueryExecution: start it by itself")
    AthenaResponse.batch_get_query_execution = batch_get_query_execution
    main()
