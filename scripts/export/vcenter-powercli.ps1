<#
.SYNOPSIS
Exports what a vCenter registers. Read-only: only cmdlets with Get- ask the vCenter.
.EXAMPLE
Connect-VIServer vcsa01; .\vcenter-powercli.ps1 -Folder exports\vcsa01
#>
param([Parameter(Mandatory)][string]$Folder)
$ErrorActionPreference = 'Stop'
New-Item -ItemType Directory -Force -Path $Folder | Out-Null

function Save([string]$Name, [scriptblock]$Command, [int]$Depth = 8) {
    try {
        $json = ConvertTo-Json -InputObject @(& $Command) -Depth $Depth
        # Without a byte order mark and in UTF-8 in PowerShell 5.1 and 7 alike.
        [IO.File]::WriteAllText((Join-Path (Resolve-Path $Folder) $Name), $json)
    } catch {
        Add-Content -Path (Join-Path $Folder 'errors.txt') -Value "${Name}: $_"
    }
}

Save 'vms.json' {
    $folders = @{}
    Get-View -ViewType Folder -Property Name | ForEach-Object { $folders[$_.MoRef.Value] = $_.Name }
    Get-View -ViewType VirtualMachine -Property Name,Config.InstanceUuid,Config.Uuid,Config.Template,Config.Annotation,Config.Files,Config.Hardware.Device,LayoutEx,Snapshot,Runtime.ConnectionState,Runtime.PowerState,Runtime.Host,Parent,AvailableField,CustomValue |
        Select-Object Name,
            @{n='MoRef';e={$_.MoRef.Value}},
            @{n='InstanceUuid';e={$_.Config.InstanceUuid}},
            @{n='Uuid';e={$_.Config.Uuid}},
            @{n='Template';e={$_.Config.Template}},
            @{n='Annotation';e={$_.Config.Annotation}},
            @{n='Folder';e={$folders["$($_.Parent.Value)"]}},
            @{n='AvailableField';e={@($_.AvailableField | Select-Object Key,Name)}},
            @{n='CustomValue';e={@($_.CustomValue | Select-Object Key,Value)}},
            @{n='ConnectionState';e={"$($_.Runtime.ConnectionState)"}},
            @{n='PowerState';e={"$($_.Runtime.PowerState)"}},
            @{n='Host';e={$_.Runtime.Host.Value}},
            @{n='VmPathName';e={$_.Config.Files.VmPathName}},
            @{n='Files';e={$_.Config.Files}},
            @{n='Devices';e={@($_.Config.Hardware.Device | Where-Object {$_.Backing.FileName} |
                Select-Object Key,@{n='Type';e={$_.GetType().Name}},@{n='FileName';e={$_.Backing.FileName}})}},
            @{n='LayoutExFile';e={@($_.LayoutEx.File)}},
            @{n='LayoutExSnapshot';e={@($_.LayoutEx.Snapshot)}}
}
Save 'datastores.json' {
    Get-Datastore | Select-Object Name,Id,@{n='Type';e={"$($_.Type)"}},@{n='State';e={"$($_.State)"}},
        @{n='Url';e={$_.ExtensionData.Info.Url}},
        @{n='Uuid';e={$_.ExtensionData.Info.Vmfs.Uuid}},
        @{n='Hosts';e={@($_.ExtensionData.Host.Key.Value)}}
} 3
