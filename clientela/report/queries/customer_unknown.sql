select distinct component from value.value_ledger where source = 'none' order by component
