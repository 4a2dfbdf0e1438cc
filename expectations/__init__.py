"""What a batch must satisfy before a row of it is loaded: one suite per entity, in code, severities stated.

`critical` refuses the batch and judges the batch alone; `warning` loads it and reports, and is what compares a batch with
history or with another entity. A share speaks of a batch where five rows or more, or all of them, are not as it wants; a
comparison with earlier batches from twenty rows on. The typing of single values is the contract's, the future among
them; what the models compute is dbt's to test.
"""
